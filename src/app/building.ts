import { fault } from "../base/fault.ts";
import { nearest } from "../base/suggest.ts";
import type { Builder } from "../builders/builder.ts";
import type { Slots } from "../slots/registry.ts";
import { grantsOf, type Linking, loadComponent, planFilling } from "./link.ts";
import { builderMembers } from "./members.ts";

const family = "builder:";

/** What fills `builder:<language>`: a builder of the executable's own, or a component. Faults: LK0601, LK04. */
export const builderFor = async (
  language: string,
  slots: Slots | undefined,
  linking: Linking,
): Promise<Builder> => {
  const own = builderMembers.find((member) => member.language === language);
  const name = `${family}${language}`;
  const known = slots?.list().filter(({ slot, fillings }) => slot.name === name && fillings.length > 0) ?? [];
  if (!own && known.length === 0) throw noBuilder(language);
  const decision = slots?.use(name);
  const [filling] = decision?.fillings ?? [];
  if (own && (!filling || filling.identifier === own.identifier)) return own.load();
  const { component } = await loadComponent(filling!.identifier, linking);
  const { componentBuilder } = await import("../providers/build/guest.ts");
  const plan = await planFilling(component, decision!, filling!, linking);
  return componentBuilder(language, plan, grantsOf(filling!), linking.stdio);
};

const noBuilder = (language: string) => {
  const languages = builderMembers.map((member) => member.language);
  const near = nearest(language, languages);
  return fault("LK0601", `Nothing builds "${language}"; loop builds ${languages.join(", ")}`, {
    hint: near ? `did you mean ${near}?` : `loop slot set ${family}${language} ./builder.wasm`,
  });
};
