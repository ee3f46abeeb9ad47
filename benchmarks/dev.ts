// From saving a TypeScript file to its new code running: `loop dev`, against componentizing and running again with jco
// (with the same engine, which is its quicker one) and with loop itself.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { executable } from "../scripts/executable.ts";
import { type Contender, interleave, type Row, spawn, versus } from "./measure.ts";
import { jco, nodeEnv, withFolder } from "./peers.ts";

const savedMsMax = 150;

const world = `package bench:dev;
world w {
  import wasi:cli/stdout@0.2.12;
  export wasi:cli/run@0.2.12;
}
`;

/** JavaScript that every contender takes as it is; it goes on running under `loop dev` as long as it is left. */
const program = (
  version: number,
  afterwards = "",
): string => `import { getStdout } from "wasi:cli/stdout@0.2.12";
const bytes = (text) => Uint8Array.from([...text].map((letter) => letter.charCodeAt(0)));
export const run = { run() { getStdout().blockingWriteAndFlush(bytes("version ${version}\\n")); ${afterwards} } };
`;

const withWorld = (folder: string): string => {
  mkdirSync(join(folder, "wit"), { recursive: true });
  writeFileSync(join(folder, "wit/world.wit"), world);
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "loop.toml"), '[component]\nname = "saved"\n');
  return folder;
};

/** A session of `loop dev` in a folder. */
const developing = (folder: string, env: Record<string, string>) => {
  const child = Bun.spawn([executable, "dev"], {
    cwd: folder,
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const reader = (child.stdout as ReadableStream<Uint8Array>).getReader();
  let heard = "";
  return {
    hears: async (text: string) => {
      while (!heard.includes(text)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`loop dev ended before it said ${text}`);
        heard += new TextDecoder().decode(value);
      }
      heard = "";
    },
    end: async () => {
      child.kill("SIGINT");
      await child.exited;
    },
  };
};

export const run = (): Promise<Row[]> =>
  withFolder(async (folder, env) => {
    let version = 0;
    const session = withWorld(join(folder, "session"));
    writeFileSync(join(session, "src/main.js"), program(version));
    const dev = developing(session, env);
    try {
      await dev.hears("version 0\n");
      const contenders = [
        saved(session, dev.hears),
        again(join(folder, "loop"), env),
        peer(join(folder, "jco"), env),
      ];
      const medians = await interleave(
        contenders.map(({ name, once }) => ({ name, once: () => once(++version) })),
        { rounds: 12, warm: 3 },
      );
      const [ours, own, theirs] = contenders.map(({ name }) => name) as [string, string, string];
      const row = versus("from saving to running", medians, ours, theirs, 0.1);
      const busy = saved(session, dev.hears, "for (let n = 0; ; n++);");
      const besides = await interleave([{ name: ours, once: () => busy.once(++version) }], {
        rounds: 12,
        warm: 3,
      });
      return [
        {
          work: "from saving to running, while what runs computes without end",
          median: besides.get(ours)!,
          unit: "ms",
          target: { text: `at most ${savedMsMax} ms`, met: besides.get(ours)! <= savedMsMax },
        },
        row,
        {
          ...versus("from saving to running", medians, ours, own),
          target: { text: `at most ${savedMsMax} ms`, met: row.median <= savedMsMax },
        },
      ];
    } finally {
      await dev.end();
    }
  });

type Versioned = Omit<Contender, "once"> & { once(version: number): unknown };

const saved = (folder: string, hears: (text: string) => Promise<void>, afterwards?: string): Versioned => ({
  name: "loop dev",
  once: async (version) => {
    writeFileSync(join(folder, "src/main.js"), program(version, afterwards));
    await hears(`version ${version}\n`);
  },
});

const again = (folder: string, env: Record<string, string>): Versioned => {
  withWorld(folder);
  return {
    name: "loop run, which builds in full",
    once: (version) => {
      writeFileSync(join(folder, "src/main.js"), program(version));
      expectVersion(version, spawn([executable, "run"], { cwd: folder, env }));
    },
  };
};

const peer = (folder: string, env: Record<string, string>): Versioned => {
  withWorld(folder);
  for (const name of ["cli", "clocks", "filesystem", "io", "random", "sockets"]) {
    mkdirSync(join(folder, `wit/deps/${name}`), { recursive: true });
    copyFileSync(
      join(import.meta.dir, `../wit/wasi-${name}/package.wit`),
      join(folder, `wit/deps/${name}/package.wit`),
    );
  }
  const node = nodeEnv(env);
  const componentize = ["componentize", "saved.js", "--wit", "wit", "-n", "w", "-o", "saved.wasm"];
  const quickest = ["--backend", "qjs", "--backend-qjs-disable-async"];
  return {
    name: "jco componentize, jco run",
    once: (version) => {
      writeFileSync(join(folder, "saved.js"), program(version));
      spawn(["node", jco, ...componentize, ...quickest], { cwd: folder, env: node });
      expectVersion(version, spawn(["node", jco, "run", "saved.wasm"], { cwd: folder, env: node }));
    },
  };
};

const expectVersion = (version: number, said: string): void => {
  if (said !== `version ${version}\n`) throw new Error(`version ${version} was to run, and it said ${said}`);
};
