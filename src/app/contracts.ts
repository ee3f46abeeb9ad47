import { fault } from "../base/fault.ts";
import type { Interface } from "../contract/model.ts";
import { ownResources } from "../contract/outline.ts";
import { resourceOwners } from "../contract/resource.ts";

/**
 * The slots of an application by what it imports: with each the interface of its contract first, and then those whose
 * resources that is about, which whoever fills the slot makes. `serving` names the slot of a contract. Fault LK0402.
 */
export const slotContracts = (
  imported: readonly Interface[],
  serving: (name: string) => string | undefined,
): readonly (readonly [slot: string, contracts: readonly Interface[]])[] => {
  const slots = new Map(imported.map((one) => [one, serving(one.name)]));
  const makes = imported.filter((one) => ownResources(one).length > 0);
  // Who fills a slot makes what its contract has, and nobody else does.
  const makers = new Map(slots);
  return [...slots].flatMap(([contract, slot]) => {
    if (slot === undefined) return [];
    const uses = usedBy(
      contract,
      makes.filter((one) => one !== contract),
    );
    for (const one of uses) {
      const other = makers.get(one);
      if (other !== undefined) throw shared(one, other, slot);
      makers.set(one, slot);
    }
    return [[slot, [contract, ...uses]]];
  });
};

/** Types are read only where there are resources that they could be about. */
const usedBy = (contract: Interface, others: readonly Interface[]): readonly Interface[] => {
  if (others.length === 0) return [];
  const owners = resourceOwners(contract);
  const used = others.filter(({ name }) => owners.has(name));
  const rest = others.filter((one) => !used.includes(one));
  return [...new Set([...used, ...used.flatMap((one) => usedBy(one, rest))])];
};

const shared = ({ name }: Interface, one: string, other: string) =>
  fault(
    "LK0402",
    `The contracts of the slots ${one} and ${other} are both about resources of ${name}, and what one filling makes means nothing to another`,
    { hint: "let one contract have all that is done with them" },
  );
