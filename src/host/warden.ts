import { writeSync } from "node:fs";
import { errno } from "../base/fault.ts";

// Processes that must not outlive loop, however it ends. Where it comes to its end, it ends them itself; where it is
// killed it cannot, so there is somebody else who does: a shell that waits on a pipe which loop alone holds open.
// What the system offers a child for this (PR_SET_PDEATHSIG) is Linux's alone and reaches no grandchild.

/** A process, by its number; or a group, by the negative one of its leader. */
export type Target = number;

/**
 * Told the whole list anew at each change, so that it has nothing to keep count of. No signal that a person or a
 * terminal sends ends it, and it holds none of loop's streams open.
 */
const script = `trap '' HUP INT QUIT TERM
while read -r all <&3; do last=$all; done
for one in $last; do kill -s KILL -- "$one"; done`;

const held = new Set<Target>();
const endAll = () => {
  for (const target of held) signal(target, "SIGKILL");
};

/** The pipe's end that a shell waits on, from when it was first needed; "none" where this machine has none. */
let pipe: number | "none" | undefined;

/** From now on it ends when loop does. The answer lets it go. */
export const endWithLoop = (target: Target): (() => void) => {
  if (held.size === 0) process.on("exit", endAll);
  held.add(target);
  tell();
  return () => {
    if (!held.delete(target)) return;
    if (held.size === 0) process.off("exit", endAll);
    tell();
  };
};

/** Sends a signal; nothing where it has ended, or is what the system lets nobody but root signal. */
export const signal = (target: Target, name: NodeJS.Signals): void => {
  try {
    process.kill(target, name);
  } catch (error) {
    // macOS says EPERM of a group that has ended and was not waited for.
    if (!["ESRCH", "EPERM"].includes(errno(error) ?? "")) throw error;
  }
};

const tell = (): void => {
  const list = `${[...held].join(" ")}\n`;
  pipe ??= began();
  if (pipe === "none") return;
  try {
    writeSync(pipe, list);
  } catch {
    // Somebody ended it: another follows, and knows all that this one knew.
    pipe = began();
    if (pipe !== "none") writeSync(pipe, list);
  }
};

const began = (): number | "none" => {
  if (process.platform === "win32") return "none";
  try {
    const shell = Bun.spawn(["/bin/sh", "-c", script], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
      cwd: "/",
      env: {},
      detached: true,
    });
    shell.unref();
    return shell.stdio[3] as unknown as number;
  } catch (error) {
    // An image with nothing in it but loop: what is killed there takes the container along.
    if (errno(error)) return "none";
    throw error;
  }
};
