import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";

/** What is made and not written, or nobody else's business. */
const left = new Set(["build", "generated", "node_modules", "vendor", ".git"]);

/**
 * The source of a project as tar.gz, the same for the same files: those that git would keep, or without git all but
 * what is made and what begins with a dot. Faults: LK0204, LK0007.
 */
export const sourceArchive = (folder: string): Uint8Array => {
  const paths = (kept(folder) ?? below(folder, folder)).sort();
  if (paths.length > limits.projectFilesMax)
    throw fault("LK0204", `${folder} holds ${paths.length} files; the limit is ${limits.projectFilesMax}`);
  const parts: Uint8Array[] = [];
  let total = 0;
  for (const path of paths) {
    const bytes = readFileSync(join(folder, path));
    total += bytes.length;
    if (total > limits.projectBytesMax)
      throw fault(
        "LK0204",
        `The source in ${folder} has more than ${limits.projectBytesMax} bytes, which is the limit`,
      );
    parts.push(header(path, bytes.length), bytes, new Uint8Array(-bytes.length & 511));
  }
  return gzipSync(Buffer.concat([...parts, new Uint8Array(1024)]), { level: 9 });
};

/** The files that git tracks or would track; undefined where there is no git or no repository. */
const kept = (folder: string): string[] | undefined => {
  const git = Bun.which("git");
  if (!git) return undefined;
  const listed = Bun.spawnSync([git, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."], {
    cwd: folder,
    stderr: "ignore",
  });
  if (listed.exitCode !== 0) return undefined;
  return listed.stdout
    .toString()
    .split("\0")
    .filter(
      (path) => path !== "" && !path.split("/").some((name) => left.has(name)) && isFile(join(folder, path)),
    );
};

const isFile = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

const below = (root: string, folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name.startsWith(".") || left.has(entry.name)) return [];
    if (entry.isDirectory()) return below(root, path);
    return entry.isFile() ? [relative(root, path).replaceAll("\\", "/")] : [];
  });

/** A header of POSIX ustar; times, owners and modes are the same for everyone. Fault: LK0204 for a path too long for it. */
const header = (path: string, size: number): Uint8Array => {
  const block = Buffer.alloc(512);
  const [prefix, name] = split(path);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  block.write(name, 0);
  block.write(octal(0o644, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write("        0", 148);
  block.write("ustar\x0000", 257);
  block.write(prefix, 345);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
  );
  return block;
};

const split = (path: string): [prefix: string, name: string] => {
  if (Buffer.byteLength(path) <= 100) return ["", path];
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return [prefix, name];
  }
  throw fault(
    "LK0204",
    `The path of ${basename(path)} is too long for an archive: 100 bytes for a name, 155 before it`,
  );
};
