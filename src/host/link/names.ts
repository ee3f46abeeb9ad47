import { camel, pascal } from "../../contract/model.ts";

/** How a WIT function name is spelled on the host's side. */
export type HostName =
  | { readonly form: "function"; readonly key: string }
  | { readonly form: "constructor"; readonly owner: string }
  | { readonly form: "method" | "static"; readonly owner: string; readonly key: string };

/** "[method]input-stream.read" → method `read` of class `InputStream`. */
export const hostName = (name: string): HostName => {
  const member = /^\[(method|static)\]([^.]+)\.(.+)$/.exec(name);
  if (member)
    return { form: member[1] as "method" | "static", owner: pascal(member[2]!), key: camel(member[3]!) };
  const made = /^\[constructor\](.+)$/.exec(name);
  if (made) return { form: "constructor", owner: pascal(made[1]!) };
  return { form: "function", key: camel(name) };
};
