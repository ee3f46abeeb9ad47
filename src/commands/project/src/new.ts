import { create as createFrom, list, type Template } from "loop:build/templates@0.1.0";
import { ask, choose, write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { values } from "../../arguments.ts";
import { bold, fault, json } from "../../text.ts";

/** What people call a language, where it is not its name. */
const languageAliases: Record<string, string> = {
  ts: "typescript",
  js: "typescript",
  javascript: "typescript",
};
const defaultLanguage = "typescript";

/** `loop new KIND NAME`: writes a template into a new folder and says what to do next. */
export const create = (invocation: Invocation): number => {
  const given = values(invocation);
  const templates = list();
  const asks = invocation.interactive && !invocation.json;
  const incomplete = given("kind").length === 0 || given("name").length === 0;
  const kind = given("kind")[0] ?? askKind(templates, asks);
  const ofKind = templates.filter((template) => template.kind === kind);
  if (ofKind.length === 0) throw noKind(kind, templates);
  const name = given("name")[0] ?? askName(kind, asks);
  const [lang] = given("lang");
  const [named] = given("template");
  const template =
    named !== undefined
      ? ofName(ofKind, kind, named, lang)
      : lang === undefined && asks && incomplete && ofKind.length > 1
        ? askTemplate(ofKind)
        : ofLanguage(ofKind, kind, lang ?? defaultLanguage);
  const paths = createFrom(template.name, name, name);
  if (invocation.json) write(json({ name, kind, language: template.language, folder: name, files: paths }));
  else write(report(name, template, paths));
  return 0;
};

const askKind = (templates: Template[], asks: boolean): string => {
  const kinds = [...new Set(templates.map((template) => template.kind))];
  if (kinds.length === 1 && asks) return kinds[0]!;
  if (!asks)
    throw fault(
      "LK0003",
      `loop new needs KIND: what to make (${kinds.join(", ")})`,
      "loop new component hello",
    );
  return kinds[choose("What to make?", kinds, 0)]!;
};

const askName = (kind: string, asks: boolean): string => {
  if (!asks) throw fault("LK0003", "loop new needs NAME: the name of what is made", `loop new ${kind} hello`);
  return ask(`Name of the ${kind}?`, "hello");
};

const askTemplate = (ofKind: Template[]): Template => {
  const first = Math.max(
    0,
    ofKind.findIndex((template) => template.language === defaultLanguage),
  );
  const lines = ofKind.map(({ name, summary }) => `${name}: ${summary}`);
  return ofKind[choose("In which language?", lines, first)]!;
};

const ofLanguage = (ofKind: Template[], kind: string, written: string): Template => {
  const language = languageAliases[written] ?? written;
  const found = ofKind.find((template) => template.language === language);
  if (found) return found;
  const known = [...new Set(ofKind.map((template) => template.language))].join(", ");
  throw fault("LK0605", `There is no ${kind} template in "${written}"; there are: ${known}`);
};

const ofName = (ofKind: Template[], kind: string, written: string, lang: string | undefined): Template => {
  const found = ofKind.find((template) => template.name === written);
  const known = ofKind.map((template) => template.name).join(", ");
  if (!found) throw fault("LK0605", `There is no ${kind} template "${written}"; there are: ${known}`);
  if (lang !== undefined && (languageAliases[lang] ?? lang) !== found.language)
    throw fault("LK0605", `The template "${written}" is in ${found.language}, and "${lang}" was asked for`);
  return found;
};

const noKind = (kind: string, templates: Template[]) => {
  const known = [...new Set(templates.map((template) => template.kind))].join(", ");
  return fault(
    "LK0605",
    `There is no template of the kind "${kind}"; there are: ${known}`,
    "loop new component hello",
  );
};

/** Where typings are made for an editor; a person need not look into it. */
const generated = "generated/";

const report = (name: string, template: Template, paths: string[]): string => {
  const shown = paths.filter((path) => !path.startsWith(generated));
  const typings = shown.length < paths.length ? [`  ${generated} (typings, made by loop)`] : [];
  return [
    `Wrote ${bold(`${name}/`)}, ${template.summary}`,
    ...shown.map((path) => `  ${path}`),
    ...typings,
    "",
    "Next:",
    `  cd ${name}`,
    "  loop run",
    "",
  ].join("\n");
};
