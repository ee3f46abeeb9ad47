// The linker of loop-kit against jco's glue, on the same Bun and the same components: what a call costs, and
// how long a component that nobody has seen takes to be linked. Ratios are of the targets in the linker's issue.
import { join } from "node:path";
import { decoded } from "../src/host/decoded.ts";
import { jcoLinker } from "../src/host/jco.ts";
import { ownLinker } from "../src/host/link/link.ts";
import type { Linker, LinkRequest } from "../src/host/linker.ts";
import { verify } from "../src/trust/verify.ts";
import { callsComponent, interfaceName } from "./guests.ts";
import { interleave, type Row, spawn, versus } from "./measure.ts";
import { withFolder } from "./peers.ts";

interface Calls {
  add(a: number, b: number): number;
  text(text: string): string;
  recordOfTen(value: object): object;
  bytes(bytes: Uint8Array): Uint8Array;
  Counter: new (start: number) => { get(): number };
}

const requestFor = (bytes: Uint8Array): LinkRequest => {
  const component = verify("bench", bytes);
  return { component, decoded: decoded(component), suspending: new Set() };
};

const callsOf = async (linker: Linker, bytes: Uint8Array): Promise<Calls> => {
  const linked = await linker.link(requestFor(bytes));
  const exports = await linked.instantiate({ "bench:calls/host": { ask: (text: string) => text } });
  return exports[interfaceName] as Calls;
};

const ten = { a: 1, b: -2, c: 3, d: -4n, e: 0.5, f: 0.25, g: true, h: "x", i: 5n, j: -6 };
const megabyte = new Uint8Array(1 << 20).fill(7);

/** One measured piece of work: how often it is done for one reading, and how much faster than jco it has to be. */
interface Work {
  readonly name: string;
  readonly times: number;
  readonly faster: number;
  prepare(calls: Calls): () => unknown;
}

const works: readonly Work[] = [
  {
    name: "add(u32, u32)",
    times: 20_000,
    faster: 25,
    prepare: (calls) => {
      let i = 0;
      return () => calls.add(i++ & 0xffff, 2);
    },
  },
  {
    name: "string in, string out, one host call inside",
    times: 5_000,
    faster: 8,
    prepare: (calls) => () => calls.text("hello, world"),
  },
  {
    name: "record of ten fields in and out",
    times: 5_000,
    faster: 8,
    prepare: (calls) => () => calls.recordOfTen(ten),
  },
  {
    name: "list<u8> of 1 MB in and out",
    times: 20,
    faster: 1,
    prepare: (calls) => () => calls.bytes(megabyte),
  },
  {
    name: "resource method call",
    times: 20_000,
    faster: 15,
    prepare: (calls) => {
      const counter = new calls.Counter(3);
      return () => counter.get();
    },
  },
];

const unit = (row: Row, times: number): Row => {
  const scale = (ms: number) => (ms / times) * 1e6;
  return {
    ...row,
    median: scale(row.median),
    unit: "ns",
    against: { name: row.against!.name, median: scale(row.against!.median) },
  };
};

const repeated = (times: number, once: () => unknown) => () => {
  for (let i = 0; i < times; i++) once();
};

const callRows = async (): Promise<Row[]> => {
  const bytes = await callsComponent(0, "calls");
  const [own, jco] = [await callsOf(ownLinker, bytes), await callsOf(jcoLinker, bytes)];
  const rows: Row[] = [];
  for (const { name, times, faster, prepare } of works) {
    const medians = await interleave(
      [
        { name: "loop", once: repeated(times, prepare(own)) },
        { name: "jco", once: repeated(times, prepare(jco)) },
      ],
      { rounds: 31, warm: 5 },
    );
    rows.push(unit(versus(name, medians, "loop", "jco", 1 / faster), times));
  }
  rows.push(await copyRow(own));
  return rows;
};

/** A megabyte in and out against the two copies that it cannot do without. */
const copyRow = async (own: Calls): Promise<Row> => {
  const guest = new Uint8Array(8 << 20);
  const copies = () => {
    guest.set(megabyte, 4096);
    return guest.slice(4096, 4096 + megabyte.length);
  };
  const medians = await interleave(
    [
      { name: "loop", once: repeated(20, () => own.bytes(megabyte)) },
      { name: "two copies", once: repeated(20, copies) },
    ],
    { rounds: 31, warm: 10 },
  );
  return unit(
    versus("list<u8> of 1 MB in and out, against two copies", medians, "loop", "two copies", 1.5),
    20,
  );
};

/**
 * Each round is a process of its own with an empty cache: what a person waits for between having built a
 * component and its being ready, jco's tools woken included. The time is the process's own, from asking for the
 * link to having an instance; a "linked" row ends where the instance would begin.
 */
const firstLinkRow = async (
  work: string,
  { file, until, faster }: { file: string; until: "linked" | "instance"; faster?: number },
): Promise<Row> => {
  const link = (name: string) => () =>
    withFolder(async (_folder, env) =>
      Number(spawn([process.execPath, import.meta.path, name, file, until], { env })),
    );
  const contenders = ["loop", "jco"].map((name) => ({ name, once: link(name) }));
  const medians = await interleave(contenders, { rounds: 7, warm: 1 });
  return versus(work, medians, "loop", "jco", faster && 1 / faster);
};

/** What one of those processes does. */
const linkOnce = async (name: string, file: string, until: string): Promise<number> => {
  const bytes = await Bun.file(file).bytes();
  const linker = name === "loop" ? ownLinker : jcoLinker;
  const startMs = performance.now();
  const linked = await linker.link(requestFor(bytes));
  if (until === "instance") await linked.instantiate({ "bench:calls/host": { ask: (text: string) => text } });
  return performance.now() - startMs;
};

const typescriptComponent = async (folder: string): Promise<Uint8Array> => {
  const witPath = join(folder, "world.wit");
  await Bun.write(witPath, "package bench:ts; world ts { export add: func(a: s32, b: s32) -> s32; }");
  const jsSource = "export const add = (a, b) => a + b;";
  const { componentize } = await import("componentize-qjs");
  return (await componentize({ witPath, jsSource, sync: true, optSize: true, stubWasi: true })).component;
};

export const run = (): Promise<Row[]> =>
  withFolder(async (folder) => {
    const before = process.env.XDG_CACHE_HOME;
    process.env.XDG_CACHE_HOME = folder;
    try {
      const rows = await callRows();
      const small = join(folder, "small.wasm");
      await Bun.write(small, await callsComponent(110_000, "first"));
      const large = join(folder, "large.wasm");
      await Bun.write(large, await typescriptComponent(folder));
      for (const [name, file, faster] of [
        ["100 KB", small, 10],
        ["1 MB TypeScript", large, 15],
      ] as const)
        rows.push(
          await firstLinkRow(`first link of a ${name} component`, { file, until: "linked", faster }),
          // The guest's own start is in this one, and is the same for both.
          await firstLinkRow(`… to its instance`, { file, until: "instance" }),
        );
      return rows;
    } finally {
      if (before === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = before;
    }
  });

if (import.meta.main) {
  const [name, file, until] = process.argv.slice(2);
  console.log(await linkOnce(name!, file!, until!));
}
