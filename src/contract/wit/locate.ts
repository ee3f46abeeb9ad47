import type { Fault } from "../../base/fault.ts";
import { fault } from "../../base/fault.ts";
import type { Composed } from "./compose.ts";
import { tokensOf } from "./scan.ts";

/**
 * The tool says what is wrong in WIT and not where. Two ways find the place: a parser that fails at a token fails
 * in the same way on every longer prefix, so bisection over prefixes finds that token; and what is wrong with a
 * name is said of the first place that has the name.
 */
export const located = async (
  error: Fault,
  composed: Composed,
  attempt: (text: string) => Promise<string | undefined>,
): Promise<Fault> => {
  const offset =
    (await syntaxOffset(error.message, composed.text, attempt)) ?? nameOffset(error.message, composed.text);
  const place = offset === undefined ? undefined : composed.place(offset);
  if (!place) return error;
  const message = error.message.replace(/^./, (letter) => letter.toLowerCase());
  return fault(error.code, `${place.where}: ${message}\n${place.lines}`, { hint: error.hint, cause: error });
};

/** Offset of the token that the parser stops at, or undefined where the text parses and its meaning is wrong. */
const syntaxOffset = async (
  message: string,
  text: string,
  attempt: (text: string) => Promise<string | undefined>,
): Promise<number | undefined> => {
  const tokens = tokensOf(text);
  const failsSame = async (count: number) =>
    (await attempt(text.slice(0, tokens[count - 1]!.end))) === message;
  // A mistake in meaning shows only in the whole text: any shorter one ends too early and says so.
  if (tokens.length < 2 || (await failsSame(tokens.length - 1)) === false)
    return message.includes("end of file") || message.includes("eof") ? text.trimEnd().length : undefined;
  let [without, failing] = [0, tokens.length - 1];
  while (failing - without > 1) {
    const middle = (without + failing) >> 1;
    if (await failsSame(middle)) failing = middle;
    else without = middle;
  }
  return tokens[failing - 1]!.start;
};

/** The first token that the message quotes, or the first mention of the package that it quotes. */
const nameOffset = (message: string, text: string): number | undefined => {
  const quoted = /[`']([^`'\s]+)[`']/.exec(message)?.[1];
  if (quoted === undefined) return undefined;
  const name = quoted.replace(/@.*$/, "").split(/[/.]/);
  const tokens = tokensOf(text);
  const words = name.flatMap((part) => part.split(":"));
  const starts = tokens.findIndex((_, at) =>
    words.every((word, index) => tokens[at + index * 2]?.text.replace(/^%/, "") === word),
  );
  return tokens[starts]?.start;
};
