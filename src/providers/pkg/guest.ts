import { digestOf } from "../../base/digest.ts";
import { DeclaredError, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { arrived } from "../../host/crossing.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { Stdio } from "../../host/provider.ts";
import type { FetchContext, Fetcher } from "../../resolve/fetch.ts";
import type { Grants } from "../../trust/grants.ts";

const contract = "loop:pkg/fetcher@0.1.0";

/**
 * A component that fills a `fetcher:<scheme>` slot, as a Fetcher. It has the network and nothing else, unless more
 * was granted with its slot; what it writes to standard output goes to standard error, which nobody parses.
 */
export const componentFetcher = (
  scheme: string,
  plan: LinkedPlan,
  grants: Grants,
  stdio: Stdio,
): Fetcher => ({
  scheme,
  remote: true,
  async fetch({ text, rest }, { pin, bounds }) {
    const { identifier, digest } = plan.component;
    const instance = await plan.instantiate({
      component: { identifier, digest },
      args: [],
      grants: {
        ...grants,
        network: [...(grants.network ?? []), { use: "connect", host: { kind: "any" }, port: undefined }],
      },
      stdio: { ...stdio, stdout: stdio.stderr },
      onDrop: () => {},
    });
    try {
      const request = { identifier: text, rest, digest: pin?.digest };
      const answer = Promise.resolve(instance.call(contract, "fetch", [request]));
      const { place, bytes } = (await inTime(answer, text, identifier, bounds)) as Answer;
      if (bytes.length > limits.componentBytesMax)
        throw fault(
          "LK0204",
          `${identifier} gives ${bytes.length} bytes for ${text}; the limit is ${limits.componentBytesMax}`,
        );
      return { bytes, locator: { identifier: text, scheme, place: cut(place), digest: digestOf(bytes) } };
    } catch (error) {
      if (!(error instanceof DeclaredError)) throw error;
      throw arrived(error).within({
        slot: `fetcher:${scheme}`,
        component: identifier,
        phase: "fetch",
        message: `Fetching ${text}`,
      });
    } finally {
      instance.drop();
    }
  },
});

/** A guest that waits for a host waits no longer than loop would; one that computes is ended by whoever runs loop. */
const inTime = async <T>(
  work: Promise<T>,
  text: string,
  identifier: string,
  bounds: FetchContext["bounds"],
): Promise<T> => {
  const ms = bounds?.totalMs ?? limits.fetchTotalMsMax;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          fault("LK0114", `${identifier} was not done with ${text} after ${ms} ms`, {
            hint: "try again later",
          }),
        ),
      ms,
    );
  });
  // Whichever comes second is nobody's business any more.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

interface Answer {
  readonly place: string;
  readonly bytes: Uint8Array;
}

/** A guest's text for people to read: no control characters, and not without end. */
const cut = (text: string): string => text.replace(/\p{Cc}/gu, " ").slice(0, limits.identifierLengthMax);
