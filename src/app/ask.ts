import type { Stdio } from "../host/provider.ts";
import type { CliSettings } from "../providers/cli/index.ts";
import { terminal } from "../providers/cli/terminal.ts";
import { Decisions } from "../trust/decisions.ts";
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

/** Asks on the terminal: once, this run, remember (by digest) or no, which is the default. */
export const askOn =
  (stdio: Stdio, folder: string): Ask =>
  async (component, grants, why) => {
    const { identifier, digest } = component;
    const asked = (grant: WrittenGrant) =>
      grantedThisRun(digest).some(({ kind, value }) => kind === grant.kind && value === grant.value);
    if (grants.every(asked)) return true;
    const { choose } = terminal({ stdio }, settings) as { choose: Choose };
    const what = grants.map(grantWords).join(", ");
    const answer = await choose(
      printable(`${identifier} (${signature(component)}) wants ${what}. ${why}`),
      answers,
      answers.length - 1,
    );
    if (answer === 1) thisRun.set(digest, [...grantedThisRun(digest), ...grants]);
    if (answer === 2) new Decisions().grant(digest, identifier, lasting(grants, folder));
    return answer < answers.length - 1;
  };

const answers = ["once", "this run", "remember, for these very bytes", "no"];

type Choose = (question: string, choices: readonly string[], standard: number) => Promise<number>;

/** Nothing of it but the first is asked for by a question. */
const settings: CliSettings = {
  interactive: () => true,
  unseen: (work) => work(),
  styled: () => false,
  columns: () => 0,
  commands: async () => [],
  globalOptions: [],
};

/** A guest wrote it, and it must not move the cursor. */
const printable = (text: string): string => text.replace(/\p{Cc}+/gu, " ");

const signature = ({ digest, trust }: VerifiedComponent): string =>
  `unsigned${trust === "trusted" ? ", trusted" : ""}, ${digest.slice(0, "sha256:".length + 12)}`;
