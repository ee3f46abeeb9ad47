import { digestOf } from "../../base/digest.ts";
import { DeclaredError, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { arrived } from "../../host/crossing.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { Stdio } from "../../host/provider.ts";
import type { Fetcher } from "../../resolve/fetch.ts";
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
  async fetch({ text, rest }, { pin }) {
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
      const { place, bytes } = (await instance.call(contract, "fetch", [request])) as Answer;
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

interface Answer {
  readonly place: string;
  readonly bytes: Uint8Array;
}

/** A guest's text for people to read: no control characters, and not without end. */
const cut = (text: string): string => text.replace(/\p{Cc}/gu, " ").slice(0, limits.identifierLengthMax);
