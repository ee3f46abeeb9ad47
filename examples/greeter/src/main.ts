import { render } from "greeter:app/style@0.1.0";

export const greet = (name: string): string => render(name.trim() || "whoever you are");
