import { expect, test } from "bun:test";
import { shellWord } from "./word.ts";

test("a shell reads each text back as the one word that it is", () => {
  const texts = [
    "./x.wasm",
    "my tool.wasm",
    "it's",
    "$HOME",
    "a;b",
    "*",
    "~",
    "#x",
    "",
    "acme:tool@^1.2",
    "a\nb",
    "--x=y",
  ];
  for (const text of texts) {
    const { stdout } = Bun.spawnSync(["/bin/sh", "-c", `printf %s ${shellWord(text)}`]);
    expect(stdout.toString()).toBe(text);
  }
});

test("what needs no quotes has none", () => {
  for (const text of ["./x.wasm", "oci://h:5000/a/b:1@sha256:00", "acme:tool@1.2", "--dir=a::/b:ro"])
    expect(shellWord(text)).toBe(text);
});
