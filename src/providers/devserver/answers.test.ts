import { expect, test } from "bun:test";
import { limits } from "../../base/limits.ts";
import { checkedCommands, checkedGraph, checkedOrigin, checkedProviders } from "./answers.ts";
import type { Member } from "./graph.ts";

const member: Member = { name: "a", folder: "/w/a", component: "/w/a.wasm", uses: [], watched: ["/w/a"] };
const many = <T>(one: T, count: number): T[] => Array.from({ length: count }, () => one);
const graphOf = (...members: Member[]) => ({ members, application: undefined });

test("an answer that is well is taken as it is", () => {
  expect(checkedGraph({ members: [member], application: "a" })).toEqual({
    members: [member],
    application: "a",
  });
  const commands = [{ name: "cloud greet", summary: "", component: "oci://host/a:1" }];
  expect(checkedCommands(commands)).toBe(commands);
  const provided = [{ slot: "provider:wasi:http", identifier: "/w/a.wasm" }];
  expect(checkedProviders(provided)).toBe(provided);
  expect(checkedOrigin({ tag: "made", val: "/w/b.wasm" })).toEqual({ tag: "made", val: "/w/b.wasm" });
});

test.each([
  ["too many members", () => checkedGraph(graphOf(...many(member, limits.devMembersMax + 1)))],
  ["an application that is no member", () => checkedGraph({ members: [member], application: "b" })],
  ["a name that would move the cursor", () => checkedGraph(graphOf({ ...member, name: "a\u001b[2J" }))],
  ["a name of two lines", () => checkedGraph(graphOf({ ...member, name: "a\nb" }))],
  ["no name", () => checkedGraph(graphOf({ ...member, name: "" }))],
  ["a path from nowhere", () => checkedGraph(graphOf({ ...member, folder: "a" }))],
  ["a component from nowhere", () => checkedGraph(graphOf({ ...member, component: "./a.wasm" }))],
  ["a watched path from nowhere", () => checkedGraph(graphOf({ ...member, watched: ["../.."] }))],
  ["a long path", () => checkedGraph(graphOf({ ...member, folder: `/${"a".repeat(5000)}` }))],
  ["too many uses", () => checkedGraph(graphOf({ ...member, uses: many("a", limits.devEdgesMax + 1) }))],
  [
    "too much to watch",
    () => checkedGraph(graphOf({ ...member, watched: many("/a", limits.devEdgesMax + 1) })),
  ],
  ["a program", () => checkedOrigin({ tag: "made", val: "sidecar:/bin/sh" })],
  ["an identifier from nowhere", () => checkedOrigin({ tag: "made", val: "./b.wasm" })],
  ["a provider for a command", () => checkedProviders([{ slot: "command:run", identifier: "/a.wasm" }])],
  ["a provider for all", () => checkedProviders([{ slot: "provider:*", identifier: "/a.wasm" }])],
  [
    "a provider that is a program",
    () => checkedProviders([{ slot: "provider:wasi:http", identifier: "sidecar:/bin/sh" }]),
  ],
  [
    "too many providers",
    () =>
      checkedProviders(
        many({ slot: "provider:wasi:http", identifier: "/a.wasm" }, limits.devProvidersMax + 1),
      ),
  ],
  [
    "a command that is an option",
    () => checkedCommands([{ name: "--a", summary: "", component: "/a.wasm" }]),
  ],
  [
    "too many commands",
    () => checkedCommands(many({ name: "a", summary: "", component: "/a.wasm" }, limits.devCommandsMax + 1)),
  ],
  ["a long summary", () => checkedCommands([{ name: "a", summary: "a".repeat(5000), component: "/a.wasm" }])],
])("%s is refused", (_, ask) => expect(ask).toThrow("What fills the slot devserver cannot be used"));
