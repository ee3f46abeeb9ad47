import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Digest } from "../base/digest.ts";
import { fault } from "../base/fault.ts";
import { Places, type Wish } from "../host/places.ts";
import type { Slots } from "../slots/registry.ts";
import { type Followed, follow } from "./follow.ts";

let folder: string;
let followed: Followed | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-follow-"));
});
afterEach(() => {
  followed?.end();
  rmSync(folder, { recursive: true, force: true });
});

const until = async (holds: () => boolean): Promise<void> => {
  for (let waited = 0; waited < 5000 && !holds(); waited += 5) await Bun.sleep(5);
  expect(holds()).toBe(true);
};

/** A place whose swaps take as long as the test likes, and a choice that another terminal makes. */
const terminal = () => {
  const path = join(folder, "loop.db");
  let standing = "a";
  let chosen = "a";
  let broken = false;
  let writes = 0;
  const gates: (() => void)[] = [];
  const said: string[] = [];
  const places = new Places();
  const digest0 = "sha256:00";
  places.addRow({
    name: "style",
    arrange: async ([wish]: readonly Wish[]) => {
      if (!wish) throw fault("LK0407", "Slot style has no filling");
      if (wish.identifier === standing && (!wish.anew || !wish.digest || wish.digest === digest0))
        return undefined;
      await new Promise<void>((resolve) => gates.push(resolve));
      return {
        swapped: [{ swapped: swappedTo(wish.identifier), identifier: wish.identifier }],
        arranged: undefined,
      };
    },
  });
  const swappedTo = (identifier: string) => {
    standing = identifier;
    return {
      place: "style",
      from: digest0,
      to: digest0,
      generation: 2,
      state: "none",
      parts: [],
    } as const;
  };
  places.add({
    name: "style",
    get state() {
      return { identifier: standing, digest: digest0, generation: 1 } as const;
    },
    swap: async ({ identifier }) => swappedTo(identifier),
  });
  const write = () => writeFileSync(path, "x".repeat(++writes));
  write();
  let digest: Digest | undefined;
  const slots = () => {
    const fillings = chosen === "" ? [] : [{ identifier: chosen, grants: [], ...(digest && { digest }) }];
    return { explain: () => ({ slot: { name: "style" }, fillings }) } as unknown as Slots;
  };
  followed = follow({
    places,
    providers: [],
    path,
    slots: slots(),
    reopen: () => {
      if (broken) throw fault("LK0004", "In the middle of being written");
      return slots();
    },
    say: (text) => said.push(text),
    explain: (error) => `${(error as Error).message}`,
  });
  return {
    gates,
    said,
    standing: () => standing,
    /** As `loop swap` does. */
    put: (identifier: string) => places.swap("style", { identifier }),
    choose: (identifier: string, bytes?: Digest, written?: "unwritten") => {
      chosen = identifier;
      digest = bytes;
      if (!written) write();
    },
    breakIt: (is: boolean) => {
      broken = is;
    },
  };
};

test("what is chosen while a swap goes on is what stands there in the end", async () => {
  const { gates, standing, choose } = terminal();
  choose("b");
  await until(() => gates.length === 1);
  // Back again, before the first swap is done.
  choose("a");
  await Bun.sleep(600);
  gates[0]!();
  await until(() => gates.length === 2);
  expect(standing()).toBe("b");
  gates[1]!();
  await until(() => standing() === "a");
});

test("a choice that cannot be read is told once, and read again until it can be", async () => {
  const { gates, said, standing, choose, breakIt } = terminal();
  breakIt(true);
  choose("b");
  await until(() => said.length === 1);
  await Bun.sleep(600);
  expect(said).toEqual(["loop: In the middle of being written"]);
  breakIt(false);
  await until(() => gates.length === 1);
  gates[0]!();
  await until(() => standing() === "b");
});

test("where what is chosen cannot be, what fills the slot goes on, and that is told once", async () => {
  const { gates, said, standing, choose } = terminal();
  choose("");
  await followed!.now();
  await followed!.now();
  expect(said).toEqual(["loop: style was not swapped\nSlot style has no filling"]);
  choose("b");
  await until(() => gates.length === 1);
  gates[0]!();
  await until(() => standing() === "b");
});

test("what is chosen again with other bytes comes anew, and once: a write of something else brings nothing", async () => {
  const { gates, choose } = terminal();
  choose("a", "sha256:11");
  await until(() => gates.length === 1);
  gates[0]!();
  await followed!.now();
  // What stands there was built anew since, so its digest is none that was chosen.
  choose("a", "sha256:11");
  await followed!.now();
  expect(gates.length).toBe(1);
});

test("what was put there by hand stays until somebody chooses anew, whatever else is written", async () => {
  const { gates, standing, choose, put } = terminal();
  await put("c");
  choose("a");
  await followed!.now();
  expect([standing(), gates.length]).toEqual(["c", 0]);
  choose("b");
  await until(() => gates.length === 1);
  gates[0]!();
  await followed!.now();
  expect(standing()).toBe("b");
});

test("a choice that could not come is tried again when something else is decided", async () => {
  const { gates, said, standing, choose } = terminal();
  choose("");
  await until(() => said.length === 1);
  choose("");
  await until(() => said.length === 2);
  choose("b");
  await until(() => gates.length === 1);
  gates[0]!();
  await until(() => standing() === "b");
});

test("a choice from elsewhere that cannot be read yet is read again until it can be", async () => {
  const { gates, standing, choose, breakIt } = terminal();
  choose("a");
  await followed!.now();
  breakIt(true);
  await followed!.now("elsewhere");
  choose("b", undefined, "unwritten");
  breakIt(false);
  await until(() => gates.length === 1);
  gates[0]!();
  await until(() => standing() === "b");
});

test("whoever has just chosen waits for what becomes of it, and for what goes on already", async () => {
  const { gates, standing, choose } = terminal();
  choose("b");
  const first = followed!.now();
  await until(() => gates.length === 1);
  choose("c");
  const second = followed!.now();
  gates[0]!();
  await first;
  expect(standing()).toBe("b");
  await until(() => gates.length === 2);
  gates[1]!();
  await second;
  expect(standing()).toBe("c");
  // Nothing has changed since.
  await followed!.now();
  expect(gates.length).toBe(2);
});
