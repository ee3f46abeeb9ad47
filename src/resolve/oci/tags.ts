import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { refused } from "../http.ts";
import { jsonOf } from "./artifact.ts";
import type { Source } from "./pull.ts";
import { tagPattern } from "./reference.ts";

/** All tags of a repository, page by page. Faults: LK0112, LK0115, LK0204, those of sending. */
export const listTags = async ({ registry, repository }: Source, text: string): Promise<string[]> => {
  const what = `The list of versions of ${text}`;
  const tags: string[] = [];
  let place: string | undefined = `/v2/${repository}/tags/list?n=1000`;
  for (let page = 0; place !== undefined; page++) {
    if (page >= limits.ociPagesMax)
      throw fault("LK0204", `${what} has more than ${limits.ociPagesMax} pages, which is the limit`, {
        hint: "name the version: NAMESPACE:NAME@1.2.3",
      });
    const answer = await registry.send(place, { repository });
    if (answer.status !== 200) {
      await answer.drop();
      throw refused(what, answer);
    }
    const found = jsonOf(await answer.bytes(limits.ociListBytesMax), what).tags;
    if (Array.isArray(found))
      tags.push(...found.filter((tag) => typeof tag === "string" && tagPattern.test(tag)));
    place = nextPage(answer.headers.get("link"), answer.url);
  }
  return tags;
};

/** `Link: </v2/…?last=…>; rel="next"`: the next page, of the same registry and no other. */
const nextPage = (link: string | null, from: string): string | undefined => {
  const [, target] = /^\s*<([^>]*)>\s*;.*\brel="?next"?/i.exec(link ?? "") ?? [];
  if (target === undefined || !URL.canParse(target, from)) return undefined;
  const url = new URL(target, from);
  return url.origin === new URL(from).origin ? `${url.pathname}${url.search}` : undefined;
};
