import { afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { wasmTools } from "../../contract/tools.ts";
import { parseIdentifier } from "../identifier.ts";
import { Store } from "../store/store.ts";
import { annotationKeys, claimAnnotations, claimOf } from "./claim.ts";
import { artifactOf, serveArtifact } from "./fixture.ts";
import { ociFetcher } from "./pull.ts";

let bytes: Uint8Array;
beforeAll(async () => {
  const { parse } = await wasmTools();
  bytes = await parse(
    `(component
       (import "loop:process/processes@0.1.0" (instance))
       (core module $m (func (export "f") (result i32) i32.const 1))
       (core instance $i (instantiate $m))
       (func (export "answer") (result u32) (canon lift (core func $i "f"))))`,
  );
});

let folder = "";
const home = process.env.HOME;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-claim-"));
  process.env.HOME = folder;
});
afterEach(() => {
  process.env.HOME = home;
  rmSync(folder, { recursive: true, force: true });
});

const pulled = async (more: Parameters<typeof artifactOf>[1]) => {
  const server = serveArtifact(artifactOf(bytes, more));
  try {
    const store = new Store(join(folder, "store"));
    return await ociFetcher.fetch(parseIdentifier(`oci://${server.host}/a/b:1`), { folder, store });
  } finally {
    await server.stop();
  }
};
const refusal = async (more: Parameters<typeof artifactOf>[1]): Promise<Fault> => {
  const error = await pulled(more).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Fault);
  return error as Fault;
};

test("what is asserted of the bytes and is so is taken", async () => {
  const claim = claimOf("x", bytes);
  expect(claim).toMatchObject({
    imports: ["loop:process/processes@0.1.0"],
    exports: ["answer"],
    trust: "trusted",
    capabilities: "[]",
  });
  const { imports, exports } = claim;
  await pulled({
    config: { component: { imports, exports: exports.toReversed(), target: null } },
    manifest: { annotations: claimAnnotations(claim) },
  });
  // Who asserts nothing says nothing that is wrong.
  await pulled({ config: { component: null } });
  await pulled({});
});

test("an import or export that is asserted and is none, or is one and is not asserted, is refused", async () => {
  for (const component of [
    { imports: [], exports: ["answer"] },
    { imports: ["loop:process/processes@0.1.0"], exports: [] },
    { imports: ["loop:process/processes@0.1.0"], exports: ["answer", "wasi:cli/run@0.2.0"] },
    { imports: ["loop:process/processes@0.1.0", "wasi:http/types@0.2.0"], exports: ["answer"] },
    {},
  ]) {
    const fault = await refusal({ config: { component } });
    expect(fault.code).toBe("LK0120");
    expect(fault.hint).toContain("tell whoever published it");
  }
});

test("another world, other wishes or another class of trust than the bytes have are refused", async () => {
  const right = claimAnnotations(claimOf("x", bytes));
  const lies = {
    [annotationKeys.wit]: "package root:component;\n\nworld root {\n}\n",
    [annotationKeys.capabilities]: '[{"name":"wasi:http","reason":"x","want":[]}]',
    [annotationKeys.trust]: "untrusted",
  };
  for (const [key, lie] of Object.entries(lies))
    expect((await refusal({ manifest: { annotations: { ...right, [key]: lie } } })).code).toBe("LK0120");
  // Another format is another loop's, and says nothing to this one.
  await pulled({ manifest: { annotations: { ...lies, [annotationKeys.format]: "2" } } });
});
