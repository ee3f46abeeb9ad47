import { Fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { type Manifest, readManifest } from "../base/manifest/manifest.ts";
import { plainLine } from "../base/plain.ts";
import type { Stdio } from "../host/provider.ts";
import { type Authority, authorityOf } from "../trust/authority.ts";
import type { Decisions } from "../trust/decisions.ts";
import { choose } from "./ask.ts";

// A loop.toml that came with a checkout is a stranger's word, and what is built from a stranger's sources is no less
// a stranger's for having been built here. So what a loop.toml grants counts once the person has met it (decision 012).

/** What agreeing needs of the program. */
export interface Agreeing {
  readonly stdio: Stdio;
  /** Questions may be asked. */
  readonly interactive: boolean;
  readonly decisions: () => Decisions;
}

const thisRun = new Set<string>();

/**
 * Whether what a loop.toml grants counts. On a terminal the person is asked the first time that these grants are met
 * in this folder; where nobody can be asked they count, as with make, and are named on standard error once.
 */
export const agreed = async (manifest: Manifest, agreeing: Agreeing): Promise<boolean> => {
  const authority = authorityOf(manifest);
  if (!authority) return true;
  const { digest } = authority;
  const known = agreeing.decisions().agreement(digest);
  if (known === "agreed" || thisRun.has(digest)) return true;
  if (agreeing.interactive) return ask(authority, agreeing);
  if (known === undefined) await tell(authority, agreeing);
  return true;
};

/** Whether the person said yes to what a loop.toml grants; nobody is asked or told. */
export const isAgreed = (manifest: Manifest, decisions: Decisions): boolean => {
  const authority = authorityOf(manifest);
  return !authority || thisRun.has(authority.digest) || decisions.agreement(authority.digest) === "agreed";
};

/** As `agreed`, for the loop.toml at a path. Faults: those of reading it. */
export const agreedAt = (path: string, agreeing: Agreeing): Promise<boolean> =>
  agreed(readManifest(path), agreeing);

const answers = ["this run", "remember, until it grants something else", "no"];

const ask = async (authority: Authority, { stdio, decisions }: Agreeing): Promise<boolean> => {
  const { digest, place } = authority;
  const question = [`${plainLine(place, limits.shownLengthMax)} grants, and you have not agreed to it:`];
  if (!isWhole(authority)) {
    const more = "This is not all of it, so nobody is asked and nothing of it counts; loop trust add agrees";
    const lines = [
      ...question,
      ...shown(authority),
      `${more}: loop trust add ${plainLine(place, limits.shownLengthMax)}`,
    ];
    await stdio.stderr.write(new TextEncoder().encode(`loop: ${lines.join("\n")}\n`));
    return false;
  }
  const answer = await choose(stdio, [...question, ...shown(authority)].join("\n"), answers);
  if (answer === answers.length - 1) return false;
  if (answer === 1) decisions().agree(digest, place);
  thisRun.add(digest);
  return true;
};

const tell = async (authority: Authority, { stdio, decisions }: Agreeing): Promise<void> => {
  const { digest, place } = authority;
  const lines = [
    `loop: ${plainLine(place, limits.shownLengthMax)} grants, which is said once:`,
    ...shown(authority),
  ];
  await stdio.stderr.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
  try {
    decisions().agree(digest, place, "told");
  } catch (error) {
    // It is said again, then.
    if (!(error instanceof Fault)) throw error;
  }
};

/** Whether all of it can be shown: what somebody hides behind a thousand lines is not agreed to unseen. */
const isWhole = ({ lines }: Authority): boolean =>
  lines.length <= limits.authorityLinesMax && lines.every((line) => line.length <= limits.authorityLengthMax);

/** All of it, to a bound. */
const shown = ({ lines }: Authority): string[] => {
  const more = lines.length - limits.authorityLinesMax;
  return [
    ...lines
      .slice(0, limits.authorityLinesMax)
      .map((line) => `  ${plainLine(line, limits.authorityLengthMax)}`),
    ...(more > 0 ? [`  and ${more} lines more, which the file has`] : []),
  ];
};
