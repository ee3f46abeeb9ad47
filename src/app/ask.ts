import { limits } from "../base/limits.ts";
import { plainLine } from "../base/plain.ts";
import type { Stdio } from "../host/provider.ts";
import type { CliSettings } from "../providers/cli/index.ts";
import { terminal } from "../providers/cli/terminal.ts";
import { Decisions } from "../trust/decisions.ts";
import { type SignerSubject, signatureWords, signerSubjects } from "../trust/subject.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { grantWords, lasting, type WrittenGrant } from "../trust/written.ts";

/** Asks a person whether a component may have something; `why` is what is known of the reason. */
export type Ask = (
  component: VerifiedComponent,
  grants: readonly WrittenGrant[],
  why: string,
) => Promise<boolean>;

/** Granted for as long as this process lives, by digest: the answer "this run". */
const thisRun = new Map<string, WrittenGrant[]>();

export const grantedThisRun = (digest: string): readonly WrittenGrant[] => thisRun.get(digest) ?? [];

/** Asks on the terminal: once, this run, remember (of these bytes, or of a trusted signer) or no, which is the default. */
export const askOn =
  (stdio: Stdio, folder: string): Ask =>
  async (component, grants, why) => {
    const { identifier, digest } = component;
    const asked = (grant: WrittenGrant) =>
      grantedThisRun(digest).some(({ kind, value }) => kind === grant.kind && value === grant.value);
    if (grants.every(asked)) return true;
    const what = grants.map(grantWords).join(", ");
    const signers = signerSubjects(component);
    const answers = [
      "once",
      "this run",
      "remember, for these very bytes",
      ...signers.map(rememberText),
      "no",
    ];
    const answer = await choose(
      stdio,
      [
        `${plainLine(identifier, limits.shownLengthMax)} (${signatureOf(component)}) wants ${plainLine(what, limits.shownLengthMax)}`,
        plainLine(why, limits.shownLengthMax),
      ].join("\n"),
      answers.map((text) => plainLine(text, limits.shownLengthMax)),
    );
    if (answer === answers.length - 1) return false;
    if (answer === 1) thisRun.set(digest, [...grantedThisRun(digest), ...grants]);
    const subject = answer === 2 ? digest : signers[answer - 3]?.subject;
    if (answer >= 2 && subject !== undefined)
      new Decisions().grant(subject, identifier, lasting(grants, folder));
    return true;
  };

const rememberText = ({ name, package: what }: SignerSubject): string =>
  `remember, for ${what === undefined ? "all" : `every ${what}`} that ${name} signs`;

/** Puts a question with numbered answers, of which the last is the default; which one was chosen. */
export const choose = (stdio: Stdio, question: string, choices: readonly string[]): Promise<number> => {
  const { choose } = terminal({ stdio }, settings) as { choose: Choose };
  return choose(question, choices, choices.length - 1);
};

type Choose = (question: string, choices: readonly string[], standard: number) => Promise<number>;

/** Nothing of it but the first is asked for by a question. */
const settings: CliSettings = {
  interactive: () => true,
  unseen: (work) => work(),
  styled: () => false,
  columns: () => 0,
  rows: () => 0,
  commands: async () => [],
  globalOptions: [],
};

const signatureOf = (component: VerifiedComponent): string =>
  `${signatureWords(component)}, ${component.digest.slice(0, "sha256:".length + 12)}`;
