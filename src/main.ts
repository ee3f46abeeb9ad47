// argv in, exit code out: the only file that prints errors or exits. It imports nothing that costs start-up
// time; refuses to know any command; called by nobody.
import { version } from "../package.json";

const argv = process.argv.slice(2);
const wantsJson = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : undefined).includes("--json");

const print = async (descriptor: number, text: string): Promise<void> => {
  const { writeSync } = await import("node:fs");
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
  } catch {
    // Nobody reads it, or nothing can be written any more: the exit code still says what happened.
  }
};

const run = async (): Promise<number> => {
  if (argv.length === 1 && argv[0] === "--version") {
    // Loading node:fs, or process.stdout, takes as long again as the whole start.
    console.log(`loop ${version}`);
    return 0;
  }
  const { start } = await import("./app/start.ts");
  try {
    return await start(argv);
  } catch (error) {
    const { mayStyle } = await import("./app/style.ts");
    const { reportError } = await import("./app/report.ts");
    const { ownStdio } = await import("./app/stdio.ts");
    const styled = mayStyle(ownStdio().stderr.isTerminal, argv.includes("--no-color"));
    const { text, exitCode } = reportError(error, wantsJson, styled);
    await print(wantsJson ? 1 : 2, text);
    return exitCode;
  }
};

process.exit(await run());
