/** Why a child was not started or its pipe not used; the adapter gives it to the guest as its WIT error. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly kind: "denied" | "not-found" | "invalid" | "too-many" | "closed" | "other";

  constructor(kind: Refusal["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}
