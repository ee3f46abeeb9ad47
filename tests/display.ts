import { readFileSync } from "node:fs";
import { join } from "node:path";

// A display that nobody looks at, for tests and benchmarks that show windows: Xvfb, which says its own number. A machine
// without it fails, and is told what to install.

export interface Display {
  /** For DISPLAY. */
  readonly name: string;
  /** A pixel of the whole screen, as 0xRRGGBB. */
  pixel(x: number, y: number): number;
  /** Red, green and blue of a part of the screen, rows from the top. */
  area(left: number, top: number, width: number, height: number): Uint8Array;
  kill(): void;
}

/** In `folder` lies what the screen shows, in the format of xwd (X11/XWDFile.h), which is looked at without a program. */
export const startDisplay = async (folder: string, size = "1280x800x24"): Promise<Display> => {
  if (!Bun.which("Xvfb")) throw new Error("Xvfb is needed: apt install xvfb xdotool libsdl2-2.0-0");
  const words = ["-displayfd", "1", "-screen", "0", size, "-fbdir", folder, "-nolisten", "tcp", "-noreset"];
  const server = Bun.spawn(["Xvfb", ...words], { stdout: "pipe", stderr: "ignore" });
  let said = "";
  for await (const chunk of server.stdout) {
    said += Buffer.from(chunk);
    if (said.includes("\n")) break;
  }
  return {
    name: `:${said.trim()}`,
    pixel: (x, y) => screenArea(folder, x, y)[0]!,
    area: (left, top, width, height) =>
      Uint8Array.from(
        screenArea(folder, left, top, width, height).flatMap((colour) => [
          colour >> 16,
          (colour >> 8) & 255,
          colour & 255,
        ]),
      ),
    kill: () => server.kill(),
  };
};

/** The pixels of an area, row by row, of the screen whose display was started with this folder. */
export const screenArea = (folder: string, x: number, y: number, width = 1, height = 1): number[] => {
  const bytes = readFileSync(join(folder, "Xvfb_screen0"));
  const field = (index: number) => bytes.readUInt32BE(index * 4);
  const data = field(0) + field(19) * 12;
  return Array.from({ length: width * height }, (_, at) => {
    const [column, row] = [x + (at % width), y + Math.floor(at / width)];
    return bytes.readUInt32LE(data + row * field(12) + column * 4) & 0xffffff;
  });
};
