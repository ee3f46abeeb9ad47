import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Passphrases at a terminal: a real one, since what is at stake is what the kernel shows of what is typed.

const folder = mkdtempSync(join(tmpdir(), "loop-unseen-"));
const main = join(import.meta.dir, "../src/main.ts");
const env = {
  ...process.env,
  XDG_DATA_HOME: join(folder, "data"),
  XDG_CACHE_HOME: join(folder, "cache"),
  NO_COLOR: "1",
};
afterAll(() => rmSync(folder, { recursive: true }));

/** What a person sees who types each answer as soon as its question stands there, and how it ended. */
const person = async (
  words: readonly string[],
  answers: readonly (readonly [question: string, typed: string])[],
) => {
  let seen = "";
  let from = 0;
  const left = [...answers];
  const decoder = new TextDecoder();
  const child = Bun.spawn([process.execPath, main, ...words], {
    cwd: folder,
    env,
    terminal: {
      cols: 200,
      rows: 24,
      data(terminal, data) {
        seen += decoder.decode(data, { stream: true });
        const [question, typed] = left[0] ?? [];
        if (question === undefined || !seen.slice(from).includes(question)) return;
        from = seen.length;
        left.shift();
        terminal.write(typed!);
      },
    },
  });
  const code = await child.exited;
  child.terminal?.close();
  return { seen: seen.replaceAll("\r\n", "\n"), code: child.signalCode ?? code, asked: left.length === 0 };
};

beforeAll(async () => {
  await Bun.write(join(folder, "x.wasm"), Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0));
});

test("a passphrase is not shown while it is typed, and locks the key", async () => {
  const made = await person(
    ["key", "new", "alice"],
    [
      ["Passphrase for alice: ", "secrets\x7f\r"],
      ["The same again: ", "secret\r"],
    ],
  );
  expect(made).toMatchObject({ code: 0, asked: true });
  expect(made.seen).toStartWith("Passphrase for alice: \nThe same again: \nThe key alice is made\n");
  const wrong = await person(
    ["sign", "x.wasm", "--key", "alice", "-o", "y.wasm"],
    [["Passphrase of alice: ", "other\r"]],
  );
  expect([wrong.code, wrong.seen.includes("LK0808"), wrong.seen.includes("other")]).toEqual([1, true, false]);
  const right = await person(
    ["sign", "x.wasm", "--key", "alice", "-o", "y.wasm"],
    [["Passphrase of alice: ", "secret\r"]],
  );
  expect([right.code, right.seen.includes("is signed by alice"), right.seen.includes("secret")]).toEqual([
    0,
    true,
    false,
  ]);
}, 60_000);

test("two passphrases that differ make no key, and Ctrl-C makes none", async () => {
  const differ = await person(
    ["key", "new", "bob"],
    [
      ["Passphrase for bob: ", "one\r"],
      ["The same again: ", "other\r"],
    ],
  );
  expect([differ.code, differ.seen.includes("LK0808")]).toEqual([1, true]);
  const interrupted = await person(["key", "new", "bob"], [["Passphrase for bob: ", "on\x03"]]);
  expect([interrupted.code, interrupted.seen.includes("LK0005")]).toEqual([130, true]);
  expect((await person(["key", "list"], [])).seen).not.toContain("bob");
}, 60_000);
