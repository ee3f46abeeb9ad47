import { beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { ownCache } from "../../base/fixture.ts";
import { wat } from "../../builders/wat.ts";
import { completed } from "../../builders/wit.ts";
import type { InstanceLimits } from "../../host/budget.ts";
import { type LinkedPlan, link } from "../../host/plan.ts";
import { verify } from "../../trust/verify.ts";
import { bufferStdio } from "./buffer.ts";
import { contextOf } from "./fixture.ts";
import { wasi } from "./index.ts";
import { wasi3 } from "./wasi3.ts";

// Guests of WASI 0.3 in text, over the real linker: a function lifted asynchronously with a callback, an import
// lowered asynchronously, streams and futures; and both generations of WASI in one component.

ownCache();

const planOf = async (name: string): Promise<LinkedPlan> => {
  const folder = join(import.meta.dir, "guest", name);
  const wit = await completed(new Map([["wit/world.wit", readFileSync(join(folder, "world.wit"), "utf8")]]));
  const request = { folder, name, main: "main.wat", world: name, wit, settings: {} };
  const { component } = await wat.build(request);
  return link(verify(`${name}.wasm`, component), { providers: [wasi, wasi3] });
};

let both: LinkedPlan;
beforeAll(async () => {
  both = await planOf("both");
}, 30_000);

test("both generations of WASI work in one component, each with its own streams", async () => {
  const stdio = bufferStdio();
  const { context, drop } = contextOf({ stdio });
  const instance = await both.instantiate(context);
  await instance.call("wasi:cli/run@0.3.0", "run", []);
  await instance.settled();
  instance.drop();
  drop();
  expect(stdio.stdoutText()).toBe("said with 0.2\nsaid with 0.3\n");
});

test("two instances of one component run at once, and neither hears of the other", async () => {
  const runs = [bufferStdio(), bufferStdio()].map(async (stdio) => {
    const instance = await both.instantiate(contextOf({ stdio }).context);
    await instance.call("wasi:cli/run@0.3.0", "run", []);
    instance.drop();
    return stdio.stdoutText();
  });
  const said = "said with 0.2\nsaid with 0.3\n";
  expect(await Promise.all(runs)).toEqual([said, said]);
});

/** The fault that a guest within limits ends with. */
const heldTo = async (plan: LinkedPlan, limits: InstanceLimits): Promise<Fault> => {
  const { context, drop } = contextOf();
  try {
    const instance = await plan.instantiate({ ...context, limits });
    await instance.call("wasi:cli/run@0.3.0", "run", []);
    throw new Error("A fault was looked for, and the guest ended well");
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  } finally {
    drop();
  }
};

test("a guest that waits too long, opens streams for ever or grows too large is stopped as one of 0.2 is", async () => {
  const plan = await planOf("forever");
  const late = await heldTo(plan, { lifeMsMax: 200 });
  expect([late.code, late.message.includes("took longer than")]).toEqual(["LK0711", true]);
  const hoarding = await heldTo(await planOf("hoard"), {});
  expect([hoarding.code, hoarding.message.includes("holds more than")]).toEqual(["LK0304", true]);
  const large = await heldTo(both, { memoryBytesMax: 16 * 1024 });
  expect(large.code).toBe("LK0712");
}, 20_000);
