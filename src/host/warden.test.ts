// Processes of a loop that is killed: nobody is left to end them but whoever was told of them.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { gone, isThere } from "../../tests/processes.ts";

const warden = join(import.meta.dir, "warden.ts");

/** A program that starts shells, each with a child, and says their numbers. */
const keeper = (more: string) => {
  const code = `
    import { endWithLoop } from ${JSON.stringify(warden)};
    const start = (detached) => Bun.spawn(["/bin/sh", "-c", "trap '' TERM HUP; sleep 1000 & echo $!; wait"],
      { stdin: "ignore", stdout: "pipe", stderr: "ignore", detached });
    const childOf = async (shell) => Number(new TextDecoder().decode((await shell.stdout.getReader().read()).value));
    const say = (...pids) => console.log(pids.join(" "));
    ${more}
    setInterval(() => {}, 1000);`;
  return Bun.spawn([process.execPath, "-e", code], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
};

const saidBy = async (child: ReturnType<typeof keeper>): Promise<number[]> => {
  const { value } = await child.stdout.getReader().read();
  return new TextDecoder().decode(value).trim().split(" ").map(Number);
};

const ends: readonly NodeJS.Signals[] = ["SIGKILL", "SIGINT", "SIGTERM"];

test.each(ends)(
  "a group that a loop has started ends with it by %s, and so does a single process",
  async (end) => {
    const child = keeper(`
    const [group, single] = [start(true), start(false)];
    endWithLoop(-group.pid);
    endWithLoop(single.pid);
    say(group.pid, await childOf(group), single.pid, await childOf(single));`);
    const [leader = 0, member = 0, single = 0, other = 0] = await saidBy(child);
    try {
      expect([leader, member, single, other].filter(isThere).length).toBe(4);
      child.kill(end);
      await gone(leader, member, single);
      // It was told of no group there, and of nothing that the process started.
      expect(isThere(other)).toBe(true);
    } finally {
      process.kill(other, "SIGKILL");
    }
  },
  30_000,
);

test("what was let go of goes on", async () => {
  const child = keeper(`
    const [kept, free] = [start(true), start(true)];
    const letGo = endWithLoop(-free.pid);
    endWithLoop(-kept.pid);
    letGo();
    say(kept.pid, free.pid, await childOf(free));`);
  const [kept = 0, free = 0] = await saidBy(child);
  try {
    child.kill("SIGKILL");
    await gone(kept);
    expect(isThere(free)).toBe(true);
  } finally {
    process.kill(-free, "SIGKILL");
  }
}, 30_000);

test("whoever ends the one that waits has another wait from the next change on", async () => {
  const child = keeper(`
    const first = start(true);
    endWithLoop(-first.pid);
    const list = Bun.spawnSync(["/bin/ps", "-o", "pid=,ppid=,args=", "-A"]).stdout.toString();
    const own = list.split("\\n").map((line) => line.trim().split(/ +/)).find(([, parent, , , ...words]) =>
      parent === String(process.pid) && words.join(" ").startsWith("trap '' HUP INT QUIT TERM"));
    process.kill(Number(own[0]), "SIGTERM");
    await Bun.sleep(100);
    process.kill(Number(own[0]), 0);
    process.kill(Number(own[0]), "SIGKILL");
    await Bun.sleep(200);
    const second = start(true);
    endWithLoop(-second.pid);
    say(first.pid, second.pid);`);
  const pids = await saidBy(child);
  expect(pids.length).toBe(2);
  child.kill("SIGKILL");
  await gone(...pids);
}, 30_000);
