import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Fault } from "./fault.ts";
import { extracted } from "./native.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-native-"));
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = new TextEncoder().encode("machine code");
let roots = 0;
/** A cache of its own for each test, and where the library lies in it. */
const cache = () => {
  const root = join(folder, `${++roots}`);
  return { root, place: extracted("lib.so", bytes, root) };
};
const mode = (path: string) => statSync(path).mode & 0o777;

test("it lies where nobody else writes, whole, and is taken again as it is", () => {
  const { root, place } = cache();
  expect([mode(root), mode(dirname(place)), mode(place)]).toEqual([0o700, 0o700, 0o500]);
  const { ino } = statSync(place);
  expect(extracted("lib.so", bytes, root)).toBe(place);
  expect(statSync(place).ino).toBe(ino);
});

test("what is damaged, cut short, or a link to something else is written anew, and what it named stays", () => {
  const { root, place } = cache();
  const other = join(folder, "other");
  writeFileSync(other, "other");
  for (const spoil of [
    () => truncateSync(place, 3),
    () => writeFileSync(place, "machine cod!"),
    () => {
      rmSync(place);
      symlinkSync(other, place);
    },
    () => rmSync(place),
  ]) {
    chmodSync(place, 0o700);
    spoil();
    expect(extracted("lib.so", bytes, root)).toBe(place);
    expect(readFileSync(place)).toEqual(Buffer.from(bytes));
    expect(readdirSync(dirname(place))).toEqual(["lib.so"]);
  }
  expect(readFileSync(other, "utf8")).toBe("other");
});

test("folders that others may write are closed, also where what lies in them is right", () => {
  const { root, place } = cache();
  for (const open of [root, dirname(place)]) {
    chmodSync(open, 0o777);
    extracted("lib.so", bytes, root);
    expect(mode(open)).toBe(0o700);
  }
});

test("a link or a file where a folder should be is refused, and says what it is", () => {
  const refused = (spoil: (at: string) => void): string => {
    const { root, place } = cache();
    rmSync(dirname(place), { recursive: true });
    spoil(dirname(place));
    try {
      extracted("lib.so", bytes, root);
      return "not refused";
    } catch (error) {
      expect(error).toBeInstanceOf(Fault);
      return `${(error as Fault).code} ${(error as Fault).message}`;
    }
  };
  const elsewhere = join(folder, "elsewhere");
  mkdirSync(elsewhere);
  expect(refused((at) => symlinkSync(elsewhere, at))).toMatch(/^LK0006 .* is a link/);
  expect(readdirSync(elsewhere)).toEqual([]);
  expect(refused((at) => symlinkSync(join(folder, "nowhere"), at))).toMatch(/^LK0006 /);
  expect(existsSync(join(folder, "nowhere"))).toBe(false);
  expect(refused((at) => writeFileSync(at, ""))).toMatch(/^LK0006 /);
  const { root, place } = cache();
  rmSync(place);
  mkdirSync(place);
  expect(() => extracted("lib.so", bytes, root)).toThrow(/a folder is in its place/);
});
