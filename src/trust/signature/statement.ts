import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { componentPreamble } from "../../contract/binary/decode.ts";
import { Reader } from "../../contract/binary/reader.ts";
import { appendCustomSection, customSections } from "../../contract/binary/sections.ts";

/**
 * The custom section in which a signer says what it is that they sign. It is signed with the other sections, and so
 * binds what a signature alone does not: the preamble, which the format leaves out, and a package's name and version.
 */
export const statementSection = "loop:statement";
const format = 1;

export interface Statement {
  /** The eight bytes in front of the sections, hexadecimal. */
  readonly preamble: string;
  /** "acme:tool@1.2.0"; absent where the component was signed as no package. */
  readonly package?: string;
}

const packageForm =
  /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*@(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/** `ns:name@version` as it can be signed. Faults: LK0803. */
export const requirePackage = (text: string): string => {
  if (text.length <= limits.identifierLengthMax && packageForm.test(text)) return text;
  throw fault(
    "LK0803",
    `A package is signed under its name and version, ns:name@1.2.3, and "${text}" was written`,
    { hint: "loop sign FILE --key NAME --package acme:tool@1.2.0" },
  );
};

const preambleText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.subarray(0, componentPreamble.length)).toString("hex");

/** The same component with a statement at its end; it must have none. */
export const withStatement = (bytes: Uint8Array, name: string | undefined): Uint8Array =>
  appendCustomSection(
    bytes,
    statementSection,
    JSON.stringify({ format, preamble: preambleText(bytes), ...(name !== undefined && { package: name }) }),
  );

/** The same component without what anybody stated of it. Faults: LK0203. */
export const withoutStatement = (bytes: Uint8Array): Uint8Array => {
  const kept: Uint8Array[] = [bytes.subarray(0, componentPreamble.length)];
  const reader = new Reader(bytes, componentPreamble.length);
  while (!reader.done) {
    const start = reader.at;
    const id = reader.byte();
    const section = reader.slice(reader.u32());
    if (id !== 0 || section.name() !== statementSection) kept.push(bytes.subarray(start, reader.at));
  }
  return Buffer.concat(kept);
};

/** What a component's signers said of it; undefined where they said nothing. Faults: LK0802, LK0203, LK0204. */
export const readStatement = (bytes: Uint8Array): Statement | undefined => {
  const sections = customSections(bytes).get(statementSection) ?? [];
  const [section] = sections;
  if (!section) return undefined;
  if (sections.length > 1) throw malformed(`there are ${sections.length}`);
  if (section.length > limits.statementBytesMax)
    throw fault(
      "LK0204",
      `A statement of ${section.length} bytes was given; the limit is ${limits.statementBytesMax}`,
    );
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(section));
  } catch (error) {
    throw malformed(`it does not read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { format: written, preamble, package: name } = (document ?? {}) as Record<string, unknown>;
  if (written !== format) throw malformed(`its format is ${JSON.stringify(written)}, not ${format}`);
  if (
    typeof preamble !== "string" ||
    (name !== undefined && !(typeof name === "string" && packageForm.test(name)))
  )
    throw malformed("it names no preamble, or a package in no form that can be signed");
  return { preamble, ...(name !== undefined && { package: name as string }) };
};

const malformed = (why: string) =>
  fault("LK0802", `One statement of what was signed was looked for, and ${why}`, {
    hint: "sign the component anew: loop sign FILE --key NAME --replace",
  });

/**
 * Requires that a component is what its statement says: that its preamble was not changed, and that the package as
 * which it was resolved is the one that was signed. Nothing is required of one without a statement. Faults: LK0803.
 */
export const requireStatement = (
  identifier: string,
  bytes: Uint8Array,
  statement: Statement | undefined,
  resolved: string | undefined,
): void => {
  if (!statement) return;
  const preamble = preambleText(bytes);
  if (statement.preamble !== preamble)
    throw fault(
      "LK0803",
      `${identifier} begins with ${preamble}, and was signed as something that begins with ${statement.preamble}`,
      { hint: "get it anew from where it came from" },
    );
  if (resolved !== undefined && statement.package !== undefined && statement.package !== resolved)
    throw fault(
      "LK0803",
      `${identifier} was resolved as ${resolved}, and its bytes were signed as ${statement.package}`,
      { hint: "whoever serves it gave out another package or version; tell them, or use another registry" },
    );
};
