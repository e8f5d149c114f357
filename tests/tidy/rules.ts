/**
 * The house's rules as rules for the syntax tree of one file.
 *
 * @module
 */
import { layerOf, PLATFORMS, PORTS, targetOf } from "./layers.ts";

export const FILE_LINES_MAX = 450;
export const FUNCTION_LINES_MAX = 70;

/** A rule for one file; what it reports is a sentence about the line. */
type RuleFor = (path: string) => Deno.lint.Rule;
type AnyNode = Deno.lint.Node;

/** The globals with which code would escape the clock, chance or the driver. */
const IMPURE = new Set([
  "AbortSignal",
  "Bun",
  "Buffer",
  "Date",
  "Deno",
  "MessageChannel",
  "Promise",
  "WebSocket",
  "clearInterval",
  "clearTimeout",
  "console",
  "crypto",
  "fetch",
  "globalThis",
  "navigator",
  "performance",
  "process",
  "queueMicrotask",
  "require",
  "setImmediate",
  "setInterval",
  "setTimeout",
  "window",
]);

/** The globals that one runtime has and another has not. */
const OF_ONE_RUNTIME = new Set([
  "Bun",
  "Buffer",
  "Deno",
  "process",
  "require",
  "setImmediate",
  "window",
]);

/** Words that tell of the code's past, or of work left over. */
const PAST = new RegExp(
  String.raw`\b(?:TODO|FIXME|XXX|HACK|previously|formerly|refactor(?:ed)?|` +
    String.raw`legacy|used to (?:be|have|do|call|return|live)|` +
    String.raw`(?:was|were|has been|have been) (?:changed|renamed|moved ` +
    String.raw`(?:here|to)|rewritten|refactored))\b`,
  "i",
);

const MESSAGE_START = /^Cannot /;

/** Whether an identifier names a variable, not a property or an import. */
function isVariable(node: Extract<AnyNode, { type: "Identifier" }>): boolean {
  const parent = node.parent as AnyNode & {
    property?: AnyNode;
    key?: AnyNode;
    computed?: boolean;
  };
  if (parent.computed === true) return true;
  if (parent.type === "Property" && parent.shorthand) {
    return (parent.parent as AnyNode).type === "ObjectExpression";
  }
  const at = (other?: AnyNode) => other?.range[0] === node.range[0];
  switch (parent.type as string) {
    case "MemberExpression":
      return !at(parent.property);
    case "Property":
    case "PropertyDefinition":
    case "MethodDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
    case "TSAbstractMethodDefinition":
    case "TSAbstractPropertyDefinition":
    case "ImportSpecifier":
    case "ExportSpecifier":
      return !at(parent.key) && !parent.type.endsWith("Specifier");
    default:
      return true;
  }
}

const globals: RuleFor = (path) => ({
  create(context) {
    const layer = layerOf(path) ?? PLATFORMS;
    const banned = layer < PORTS
      ? IMPURE
      : layer < PLATFORMS
      ? OF_ONE_RUNTIME
      : new Set<string>();
    return {
      Identifier(node) {
        if (!banned.has(node.name) || !isVariable(node)) return;
        context.report({
          node,
          message: `"${node.name}" must not be used in layer ${layer}`,
        });
      },
    };
  },
});

const chance: RuleFor = (path) => ({
  create(context) {
    return {
      MemberExpression(node) {
        if ((layerOf(path) ?? PLATFORMS) >= PORTS) return;
        if (context.sourceCode.getText(node) !== "Math.random") return;
        context.report({ node, message: "chance must be handed in" });
      },
    };
  },
});

const waiting: RuleFor = (path) => ({
  create(context) {
    const isPure = (layerOf(path) ?? PLATFORMS) < PORTS;
    const report = (node: AnyNode & { async?: boolean }) => {
      if (!isPure || node.async === false) return;
      context.report({ node, message: "a machine must not wait" });
    };
    return {
      AwaitExpression: report,
      FunctionDeclaration: report,
      FunctionExpression: report,
      ArrowFunctionExpression: report,
    };
  },
});

/** What is wrong with an import, or `undefined`. */
function importProblem(path: string, specifier: string): string | undefined {
  if (!path.startsWith("src/") && path !== "mod.ts") return undefined;
  if (!specifier.startsWith("./") && !specifier.startsWith("../")) {
    return `"${specifier}" is imported: nothing outside src may be`;
  }
  const target = targetOf(path, specifier);
  if (!target.startsWith("src/")) {
    return `"${specifier}" is imported: nothing outside src may be`;
  }
  if (!target.endsWith(".ts")) return `"${specifier}" does not end in .ts`;
  const from = layerOf(path);
  const to = layerOf(target);
  if (from === undefined || to === undefined) {
    return `${from === undefined ? path : target} has no layer`;
  }
  if (to <= from) return undefined;
  return `layer ${from} imports "${specifier}" of layer ${to}`;
}

const imports: RuleFor = (path) => ({
  create(context) {
    const check = (source: AnyNode | null | undefined) => {
      if (source?.type !== "Literal") return;
      const message = importProblem(path, String(source.value));
      if (message !== undefined) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source as AnyNode),
    };
  },
});

const lines = (text: string): number => text.trimEnd().split("\n").length;

const ceilings: RuleFor = () => ({
  create(context) {
    const check = (node: AnyNode) => {
      const length = lines(context.sourceCode.getText(node));
      if (length <= FUNCTION_LINES_MAX) return;
      context.report({
        node,
        message: `a function of ${length} lines, at most ` +
          `${FUNCTION_LINES_MAX} are allowed`,
      });
    };
    return {
      Program(node) {
        const length = lines(context.sourceCode.text);
        if (length <= FILE_LINES_MAX) return;
        context.report({
          node,
          message: `a file of ${length} lines, at most ${FILE_LINES_MAX} are ` +
            `allowed`,
        });
      },
      FunctionDeclaration: check,
      FunctionExpression: check,
      ArrowFunctionExpression: check,
    };
  },
});

const comments: RuleFor = () => ({
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          const found = PAST.exec(comment.value)?.[0];
          if (found === undefined) continue;
          context.report({
            range: comment.range,
            message: `a comment says "${found}": say how it is`,
          });
        }
      },
    };
  },
});

const members: RuleFor = () => ({
  create(context) {
    const check = (node: AnyNode & { accessibility?: string | undefined }) => {
      if (node.accessibility !== "private") return;
      context.report({ node, message: `"private" is a type: use #private` });
    };
    return { PropertyDefinition: check, MethodDefinition: check };
  },
});

/** The literal text with which an expression begins, if it does. */
function startOf(node: AnyNode | undefined): string | undefined {
  if (node?.type === "Literal" && typeof node.value === "string") {
    return node.value;
  }
  if (node?.type === "TemplateLiteral") return node.quasis[0]?.raw;
  if (node?.type === "BinaryExpression") return startOf(node.left as AnyNode);
  return undefined;
}

const errors: RuleFor = (path) => ({
  create(context) {
    return {
      NewExpression(node) {
        if (!path.startsWith("src/") || node.callee.type !== "Identifier") {
          return;
        }
        const { name } = node.callee;
        if (!name.endsWith("Error") || name === "BugError") return;
        if (name === "Error" && node.parent.type === "ThrowStatement") {
          context.report({ node, message: "an error without a class" });
        }
        const start = startOf(node.arguments[0]);
        // An expression at the start is a message that is made elsewhere.
        if (start === undefined || start === "") return;
        if (MESSAGE_START.test(start)) return;
        if (name === "InsufficientReplicasError") return; // Takes an action.
        context.report({
          node,
          message: `an error message that does not begin with "Cannot "`,
        });
      },
    };
  },
});

/** Every rule, by the name under which it reports. */
export const rules: Readonly<Record<string, RuleFor>> = {
  ceilings,
  chance,
  comments,
  errors,
  globals,
  imports,
  members,
  waiting,
};

/** What is wrong with one file: `rule path:line what`. */
export function problemsOf(path: string, source: string): string[] {
  const made = Object.entries(rules).map(([name, ruleFor]) =>
    [name, ruleFor(path)] as const
  );
  const found = Deno.lint.runPlugin(
    { name: "tidy", rules: Object.fromEntries(made) },
    path,
    source,
  );
  const problems = found.map(({ id, message, range }) => {
    const line = source.slice(0, range[0]).split("\n").length;
    return `${id.slice("tidy/".length)} ${path}:${line} ${message}`;
  });
  return [...new Set(problems)]; // A shorthand property is key and value.
}
