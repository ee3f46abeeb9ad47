// loop:control: programs of loop that run, for a command that looks at them and changes them. Owns the sockets that they
// are reached by, what is said over these, and the WIT form of it; refuses whoever is not the same person, by the folder
// in which the sockets lie; listed in the app's table.
import { limits } from "../../base/limits.ts";
import { answering } from "../../host/crossing.ts";
import type { Provider } from "../../host/provider.ts";
import { absoluteIdentifier } from "../../slots/declaration.ts";
import { lastingTexts } from "../../trust/written.ts";
import type { Answers, Known } from "./client.ts";

/** What the composition root gives. */
export interface ControlServices {
  /** Absolute; relative paths are relative to it. */
  readonly folder: string;
}

const client = () => import("./client.ts");

export const controlProvider = ({ folder }: ControlServices): Provider => ({
  name: "control",
  interfaces: ["loop:control/processes@0.1.0"],
  suspending: ["list", "swap", "follow", "[method]following.next"].map(
    (name) => `loop:control/processes#${name}`,
  ),
  defaultGranted: [],
  instantiate(context) {
    const open = new Set<Answers>();
    context.onDrop(() => {
      for (const answers of open) answers.end();
    });
    class Following {
      readonly #answers: Answers;
      constructor(answers: Answers) {
        this.#answers = answers;
        open.add(answers);
      }
      next(): Promise<unknown> {
        return nextOf(this.#answers);
      }
      [Symbol.dispose](): void {
        open.delete(this.#answers);
        this.#answers.end();
      }
    }
    return {
      "loop:control/processes@0.1.0": {
        Following,
        list: answering(async () => (await (await client()).listPrograms()).map(runningRecord)),
        swap: answering(async (pid: number, place: string, identifier: string, grants: readonly string[]) => {
          const asked = {
            ask: "swap" as const,
            place,
            identifier: absoluteIdentifier(identifier, folder),
            ...(grants.length > 0 && { grants: lastingTexts(grants, folder) }),
          };
          const answer = await (await client()).ask(pid, asked, limits.controlSwapMsMax);
          return "swapped" in answer ? answer.swapped : [];
        }),
        follow: answering(
          async (pid: number, past: boolean, future: boolean) =>
            new Following(await (await client()).follow(pid, past, future)),
        ),
      },
    };
  },
});

const nextOf = answering(async (answers: Answers) => {
  const { Gone } = await client();
  const answer = await answers.next().catch((error) => {
    // It ended between the first look and this one.
    if (error instanceof Gone) return undefined;
    throw error;
  });
  return answer && "line" in answer ? { ...answer.line, at: BigInt(answer.line.at) } : undefined;
});

const runningRecord = (known: Known) =>
  "trouble" in known
    ? { pid: known.pid, what: "", folder: "", since: 0n, places: [], trouble: known.trouble }
    : { ...known, since: BigInt(known.since), trouble: undefined };
