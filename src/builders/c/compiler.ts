import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { errno, fault } from "../../base/fault.ts";
import { repositoryRoot } from "../../base/resources.ts";
import { inTemporaryFolder } from "../../base/temporary.ts";

export interface CompileRequest {
  readonly folder: string;
  /** Sources and headers, relative to the folder with forward slashes; and those that are compiled. */
  readonly files: readonly string[];
  readonly sources: readonly string[];
  readonly flags: readonly string[];
}

export interface Compiled {
  /** A core module for preview 1; undefined where it did not compile. */
  readonly core: Uint8Array | undefined;
  /** What the compiler wrote. */
  readonly messages: string;
}

export interface Compiler {
  readonly name: string;
  compile(request: CompileRequest): Promise<Compiled>;
}

const npmPackage = "@yowasp/clang";
const targets = ["wasm32-wasip1", "wasm32-wasi"];
/** wasm-ld's own stack has 64 KiB, which one buffer fills; a megabyte is what Rust gives. */
const standardFlags = ["-O2", "-Wall", "-fno-color-diagnostics", "-Wl,-z,stack-size=1048576"];

/**
 * The compiler to use: [build] clang, $WASI_SDK_PATH, `@yowasp/clang` in a node_modules above, or a clang of the
 * PATH that has a C library for WASI. LK0606 where there is none.
 */
export const findCompiler = async (folder: string, setting: unknown): Promise<Compiler> => {
  if (typeof setting === "string") {
    const path = setting.includes("/") ? join(folder, setting) : setting;
    return named(setting.startsWith("/") ? setting : path);
  }
  const sdk = process.env.WASI_SDK_PATH;
  if (sdk) return named(join(sdk, "bin/clang"), [`--sysroot=${join(sdk, "share/wasi-sysroot")}`]);
  const npm = [folder, repositoryRoot].filter(Boolean).map(entryAbove).find(Boolean);
  if (npm) return fromNpm(npm);
  const target = await targetOf("clang", []);
  if (target) return native("clang", target, []);
  throw fault(
    "LK0606",
    "A C compiler for WebAssembly was looked for: [build] clang, WASI_SDK_PATH, npm and the PATH have none",
    {
      hint: `npm install --save-dev ${npmPackage}   or: export WASI_SDK_PATH=/path/to/wasi-sdk`,
    },
  );
};

/** A compiler that the person chose: it has to be there and to have a C library for WASI. */
const named = async (path: string, extra: readonly string[] = []): Promise<Compiler> => {
  const target = await targetOf(path, extra);
  if (target) return native(path, target, extra);
  throw fault(
    "LK0606",
    `${path} was asked for as the C compiler, and it ${target === undefined ? "cannot be started" : "has no C library for WASI"}`,
    {
      hint: `npm install --save-dev ${npmPackage}   or: export WASI_SDK_PATH=/path/to/wasi-sdk`,
    },
  );
};

/** The first target whose start-up object the compiler finds; false for none, undefined where it does not start. */
const targetOf = async (clang: string, extra: readonly string[]): Promise<string | false | undefined> => {
  for (const target of targets) {
    const ran = await spawned([clang, `--target=${target}`, ...extra, "-print-file-name=crt1-command.o"]);
    if (!ran) return undefined;
    if (ran.code === 0 && ran.stdout.trim().startsWith("/") && existsSync(ran.stdout.trim())) return target;
  }
  return false;
};

const spawned = async (command: readonly string[], cwd?: string) => {
  try {
    const child = Bun.spawn([...command], { stdout: "pipe", stderr: "pipe", ...(cwd && { cwd }) });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { code: await child.exited, stdout, stderr };
  } catch (error) {
    if (errno(error) === "ENOENT" || errno(error) === "EACCES") return undefined;
    throw error;
  }
};

/** An old wasi-libc has no `cabi_realloc`, and the adapter then takes its state from memory that is not its own. */
const reallocSource = `#include <stdlib.h>
__attribute__((weak, export_name("cabi_realloc")))
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old_size, (void)align;
  return size == 0 ? (void *)align : realloc(old, size);
}
`;

const native = (clang: string, target: string, extra: readonly string[]): Compiler => ({
  name: clang,
  compile({ folder, sources, flags }) {
    return inTemporaryFolder("loop-c-", async (temporary) => {
      const output = join(temporary, "out.wasm");
      const realloc = join(temporary, "realloc.c");
      writeFileSync(realloc, reallocSource);
      const ran = await spawned(
        [
          clang,
          `--target=${target}`,
          ...extra,
          ...standardFlags,
          ...flags,
          ...sources,
          realloc,
          "-o",
          output,
        ],
        folder,
      );
      const core = ran?.code === 0 ? new Uint8Array(readFileSync(output)) : undefined;
      return { core, messages: ran?.stderr ?? "" };
    });
  },
});

// @yowasp/clang

interface Tree {
  [name: string]: Tree | string | Uint8Array;
}

interface Yowasp {
  readonly commands: { readonly clang: Clang };
}

/** Without arguments it only reads its own files. */
type Clang = (
  args: string[] | null,
  files: Tree,
  options: {
    stdout?: (bytes: Uint8Array | null) => void;
    stderr?: (bytes: Uint8Array | null) => void;
    fetchProgress?: () => void;
  },
) => Promise<Tree>;

const fromNpm = (entry: string): Compiler => ({
  name: npmPackage,
  async compile({ folder, files, sources, flags }) {
    const { commands } = (await import(pathToFileURL(entry).href)) as Yowasp;
    const tree: Tree = {};
    for (const path of files) plant(tree, path.split("/"), new Uint8Array(readFileSync(join(folder, path))));
    const messages: Uint8Array[] = [];
    const listen = (bytes: Uint8Array | null) => {
      if (bytes) messages.push(bytes.slice());
    };
    const said = () => Buffer.concat(messages).toString();
    // Read first, or it tells the terminal how far it has come.
    await commands.clang(null, {}, { fetchProgress: () => {} });
    try {
      const made = await commands.clang([...standardFlags, ...flags, ...sources, "-o", "out.wasm"], tree, {
        stdout: listen,
        stderr: listen,
      });
      const core = made["out.wasm"];
      return { core: core instanceof Uint8Array ? core : undefined, messages: said() };
    } catch (error) {
      // The package's own `Exit`: the compiler ended with a code.
      if (error instanceof Error && "code" in error && typeof error.code === "number")
        return { core: undefined, messages: said() };
      throw error;
    }
  },
});

const plant = (tree: Tree, [name, ...rest]: string[], bytes: Uint8Array): void => {
  if (rest.length === 0) tree[name!] = bytes;
  else {
    tree[name!] ??= {};
    plant(tree[name!] as Tree, rest, bytes);
  }
};

const entryAbove = (from: string): string | undefined => {
  for (let folder = from; ; folder = dirname(folder)) {
    const entry = join(folder, "node_modules", npmPackage, "gen/bundle.js");
    if (existsSync(entry)) return entry;
    if (dirname(folder) === folder) return undefined;
  }
};
