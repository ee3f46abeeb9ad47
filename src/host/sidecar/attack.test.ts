// A program that does whatever a program can, at any moment: what its callers see, and what is left of it.
import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gone } from "../../../tests/processes.ts";
import { contractOf, fixtures, type Started, sidecars } from "../../../tests/sidecars.ts";
import { Fault } from "../../base/fault.ts";
import { type Random, randomSource } from "../../contract/random.ts";

const { folder, start } = sidecars();
const contract = contractOf("demo:side/echo@0.1.0", [], "echo: func(text: string) -> string");
const deadlineMs = 400;
/** What a busy machine may take on top of a deadline. */
const slackMs = 5_000;

const seed = Number(process.env.LOOP_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));

/** An enemy whose chance begins with a number, in a folder of its own. */
const enemy = async (of: number) => {
  const home = join(folder, `${of}`);
  mkdirSync(home);
  writeFileSync(join(home, "seed"), `${of}`);
  const variables = { WIRE: fixtures, FOLDER: home };
  const started = await start(join(fixtures, "enemy.py"), deadlineMs, contract, undefined, variables);
  const said = (name: string) => readFileSync(join(home, name), "utf8");
  return {
    started,
    pids: () => said("pids").trim().split("\n").map(Number),
    deeds: () => said("deeds"),
    behave: () => writeFileSync(join(home, "behave"), ""),
  };
};

/** One call: it is answered rightly, or fails as declared, in time. */
const attempt = async ({ call }: Started, text: string, what: string): Promise<boolean> => {
  const from = performance.now();
  try {
    expect((await call("echo", text)) === text, what).toBe(true);
    return true;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    expect([error.code, what]).toEqual(["LK0431", what]);
    expect(error.message.length, what).toBeLessThan(1000);
    return false;
  } finally {
    expect(performance.now() - from, what).toBeLessThan(deadlineMs + slackMs);
  }
};

const texts = (random: Random): string =>
  // Seldom more than a pipe holds, so that writing waits for who does not read.
  random(8) === 0 ? "long ".repeat(100_000 + random(300_000)) : `${random(1000)} ${"é".repeat(random(50))}`;

test(`whatever a program does, each call ends in time, and the next well-behaved one serves (seed ${seed})`, async () => {
  const random = randomSource(seed);
  let [answered, failed] = [0, 0];
  for (let round = 0; round < 4; round++) {
    const { started, pids, deeds, behave } = await enemy(random(2 ** 31));
    const what = () => `seed ${seed}, round ${round}: ${deeds().split("\n").slice(-4).join("; ")}`;
    try {
      for (let turn = 0; turn < 15; turn++) {
        const calls = Array.from({ length: 1 + random(4) }, () =>
          attempt(started, texts(random), `seed ${seed}`),
        );
        // Somebody else kills it now and then.
        const timer = random(4) === 0 ? setTimeout(() => kill(pids().at(-1)!), random(20)) : undefined;
        for (const done of await Promise.all(calls)) done ? answered++ : failed++;
        clearTimeout(timer);
      }
      behave();
      // One that was started before may have had it in mind already, and what fails is waited after.
      let well = false;
      for (let tries = 0; tries < 40 && !well; tries++) well = await attempt(started, "well", what());
      expect(well, what()).toBe(true);
      for (let i = 0; i < 20; i++) expect(await attempt(started, `${i}`, what()), what()).toBe(true);
    } catch (error) {
      throw new Error(what(), { cause: error });
    }
    started.instance.drop();
    await gone(...pids());
  }
  expect(answered).toBeGreaterThan(20);
  expect(failed).toBeGreaterThan(5);
}, 300_000);

const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It was first.
  }
};
