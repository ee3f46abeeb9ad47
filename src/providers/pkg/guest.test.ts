import { expect, test } from "bun:test";
import { declared } from "../../base/fault.ts";
import { faultOf } from "../../base/fixture.ts";
import { limits } from "../../base/limits.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { Stdio } from "../../host/provider.ts";
import { parseIdentifier } from "../../resolve/identifier.ts";
import { noGrants } from "../../trust/grants.ts";
import { componentFetcher } from "./guest.ts";

/** A component whose every call answers so; tells when it is dropped and what it was granted. */
const planOf = (answer: () => unknown) => {
  const seen = { dropped: 0, network: 0, capabilities: [] as string[] };
  const plan = {
    component: { identifier: "demo.wasm", digest: "sha256:x" },
    instantiate: async ({ grants }: { grants: { network: unknown[]; capabilities: Set<string> } }) => {
      seen.network = grants.network.length;
      seen.capabilities = [...grants.capabilities];
      return { call: answer, drop: () => seen.dropped++ };
    },
  } as unknown as LinkedPlan;
  return { plan, seen };
};
const fetched = (answer: () => unknown, bounds = {}) => {
  const { plan, seen } = planOf(answer);
  const fetcher = componentFetcher(
    "demo",
    plan,
    { ...noGrants, capabilities: new Set(["loop:storage"]) },
    {} as Stdio,
  );
  const work = fetcher.fetch(parseIdentifier("demo://x"), { folder: "/", bounds });
  return { work, seen };
};
test("a fetcher has the network, what its slot grants, and is gone afterwards", async () => {
  const { work, seen } = fetched(() => ({ place: "x\u001b[2J", bytes: new Uint8Array(3) }));
  expect((await work).locator.place).toBe("x [2J");
  expect(seen).toEqual({ dropped: 1, network: 1, capabilities: ["loop:storage"] });
});

test("a fetcher that never answers is left in time", async () => {
  const { work, seen } = fetched(() => new Promise(() => {}), { totalMs: 50 });
  expect((await faultOf(work)).code).toBe("LK0114");
  expect(seen.dropped).toBe(1);
});

test("a fetcher that brings more than the limit is refused", async () => {
  const bytes = { length: limits.componentBytesMax + 1 };
  expect((await faultOf(fetched(() => ({ place: "x", bytes })).work)).code).toBe("LK0204");
});

test("what it answers as its fault names the slot", async () => {
  const refusal = declared({ code: "DEMO1", message: "No", hint: undefined, causes: [] });
  const fault = await faultOf(fetched(() => Promise.reject(refusal)).work);
  expect<string>(fault.code).toBe("DEMO1");
  expect(fault.causes.at(-1)?.slot).toBe("fetcher:demo");
});
