/**
 * Every error code that the product says, with where: read from the syntax trees of functions/.
 *
 * - the first argument of `new TerminalError(…)`, `TransientError`, `BusyError`; the second of a file format's own error
 * - the `code` of an object that has a `message` beside it: a failure that is recorded, not thrown
 * - the first of three that a rule for a server's errors says (`say`)
 * - what a function of the same file is given for its parameter `code`
 */
import { join } from 'node:path';
import { API } from 'typescript/unstable/sync';
import {
  type Expression,
  isArrayLiteralExpression,
  isArrowFunction,
  isBinaryExpression,
  isCallExpression,
  isConditionalExpression,
  isFunctionDeclaration,
  isIdentifier,
  isNewExpression,
  isObjectLiteralExpression,
  isParameterDeclaration,
  isParenthesizedExpression,
  isPropertyAssignment,
  isShorthandPropertyAssignment,
  isStringLiteral,
  type Node,
  type ObjectLiteralExpression,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast';

/** A code and the file that says it: `functions/etl/start.ts`. */
export interface SaidCode {
  readonly code: string;
  readonly file: string;
}

/** Where the code stands among the arguments, by class. */
const CLASSES: Readonly<Record<string, number>> = {
  TerminalError: 0,
  TransientError: 0,
  BusyError: 0,
  FormatError: 1,
};

/** Reads every file of functions/ below `root`; takes some seconds, for the compiler opens the project. */
export function collectCodes(root: string): SaidCode[] {
  const api = new API({ cwd: root });
  try {
    const [project] = api.updateSnapshot({ openProjects: [join(root, 'tsconfig.json')] }).getProjects();
    if (project === undefined) throw new Error(`the compiler opens no project at ${root}`);
    return project.rootFiles
      .filter((name) => name.startsWith(join(root, 'functions/')))
      .flatMap((name) => {
        const source = project.program.getSourceFile(name);
        const file = name.slice(root.length + 1);
        return source === undefined ? [] : codesOf(source).map((code) => ({ code, file }));
      });
  } finally {
    api.close();
  }
}

/** The codes that one file says. */
export function codesOf(source: SourceFile): string[] {
  const takers = new Map<string, number>();
  each(source, (node) => {
    if (!isFunctionDeclaration(node) || node.name === undefined) return;
    const at = node.parameters.findIndex(({ name }) => isIdentifier(name) && name.text === 'code');
    if (at >= 0) takers.set(node.name.text, at);
  });
  const found = new Set<string>();
  each(source, (node) => {
    for (const place of placesOf(node, takers)) for (const code of literals(place)) found.add(code);
  });
  return [...found];
}

/** The expressions of a node that are a code. */
function placesOf(node: Node, takers: ReadonlyMap<string, number>): readonly (Expression | undefined)[] {
  // A parameter `code` that need not be given.
  if (isParameterDeclaration(node) && textOf(node.name) === 'code') return [node.initializer];
  if (isNewExpression(node) && isIdentifier(node.expression)) {
    const at = CLASSES[node.expression.text];
    return at === undefined ? [] : [node.arguments?.[at]];
  }
  // A class of its own that extends one of them.
  if (isCallExpression(node) && node.expression.kind === SyntaxKind.SuperKeyword) return [node.arguments[0]];
  if (isCallExpression(node) && isIdentifier(node.expression)) {
    const at = takers.get(node.expression.text);
    return at === undefined ? [] : [node.arguments[at]];
  }
  if (isObjectLiteralExpression(node)) {
    const code = valueOf(node, 'code');
    return code !== null && namesOf(node).includes('message') ? [code] : [];
  }
  if (isPropertyAssignment(node) && textOf(node.name) === 'say' && isArrowFunction(node.initializer)) {
    const { body } = node.initializer;
    const answer = isParenthesizedExpression(body) ? body.expression : body;
    return isArrayLiteralExpression(answer) ? [answer.elements[0]] : [];
  }
  return [];
}

function namesOf(node: ObjectLiteralExpression): string[] {
  return node.properties.flatMap((one) => {
    const name = isPropertyAssignment(one) || isShorthandPropertyAssignment(one) ? textOf(one.name) : null;
    return name === null ? [] : [name];
  });
}

function valueOf(node: Node, name: string): Expression | null {
  if (!isObjectLiteralExpression(node)) return null;
  for (const property of node.properties)
    if (isPropertyAssignment(property) && textOf(property.name) === name) return property.initializer;
  return null;
}

function textOf(name: Node | undefined): string | null {
  return name !== undefined && isIdentifier(name) ? name.text : null;
}

/** The words that an expression can be: itself, or either side of a condition. */
function literals(place: Expression | undefined): string[] {
  if (place === undefined) return [];
  // Issues of zod have a code of zod's own.
  if (isStringLiteral(place))
    return /^[a-z]+(-[a-z]+)*$/.test(place.text) && place.text !== 'custom' ? [place.text] : [];
  if (isBinaryExpression(place)) return literals(place.right);
  if (isConditionalExpression(place)) return [...literals(place.whenTrue), ...literals(place.whenFalse)];
  if (isParenthesizedExpression(place)) return literals(place.expression);
  return [];
}

function each(node: Node, look: (node: Node) => void): void {
  look(node);
  node.forEachChild((child) => {
    each(child, look);
    return undefined;
  });
}
