import type { ComponentizeOpts, ComponentizeResult } from "componentize-qjs";

interface Componentizer {
  componentize(options: ComponentizeOpts): Promise<ComponentizeResult>;
}

export const loadComponentizer = (): Componentizer => require("componentize-qjs");
