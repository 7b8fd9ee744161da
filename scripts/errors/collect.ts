/**
 * Every error code that the product says, with where: read from the syntax trees of functions/.
 *
 * - the first argument of `new TerminalError(…)`, `TransientError`, `BusyError`; the second of a file format's own error
 * - the `code` of an object that has a `message` beside it: a failure that is recorded, not thrown
 * - the first of three that a rule for a server's errors says (`say`)
 * - what a function of the same file is given for its parameter `code`
 *
 * A constant stands for its text, wherever it is declared.
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
  isVariableDeclaration,
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

/** Where the code stands among the arguments, by class: each that can be thrown, and what extends one of them. */
const CLASSES: Readonly<Record<string, number>> = {
  TerminalError: 0,
  TransientError: 0,
  BusyError: 0,
  FormatError: 1,
  ThriftTruncated: 1,
  ConflictError: 0,
  LeaseLostError: 0,
};

/** Reads every file of functions/ below `root`; takes some seconds, for the compiler opens the project. */
export function collectCodes(root: string): SaidCode[] {
  const api = new API({ cwd: root });
  try {
    const [project] = api.updateSnapshot({ openProjects: [join(root, 'tsconfig.json')] }).getProjects();
    if (project === undefined) throw new Error(`the compiler opens no project at ${root}`);
    const sources = project.rootFiles
      .filter((name) => name.startsWith(join(root, 'functions/')))
      .flatMap((name) => {
        const source = project.program.getSourceFile(name);
        return source === undefined ? [] : [{ source, file: name.slice(root.length + 1) }];
      });
    const constants = new Map(sources.flatMap(({ source }) => constantsOf(source)));
    return sources.flatMap(({ source, file }) => codesOf(source, constants).map((code) => ({ code, file })));
  } finally {
    api.close();
  }
}

/** Constants in capital letters, with their texts. */
function constantsOf(source: SourceFile): [name: string, text: string][] {
  const found: [string, string][] = [];
  each(source, (node) => {
    if (!isVariableDeclaration(node) || node.initializer === undefined) return;
    const name = textOf(node.name);
    if (name !== null && /^[A-Z_]+$/.test(name) && isStringLiteral(node.initializer))
      found.push([name, node.initializer.text]);
  });
  return found;
}

/** The codes that one file says. */
function codesOf(source: SourceFile, constants: ReadonlyMap<string, string>): string[] {
  const takers = new Map<string, number>();
  each(source, (node) => {
    if (!isFunctionDeclaration(node) || node.name === undefined) return;
    const at = node.parameters.findIndex(({ name }) => isIdentifier(name) && name.text === 'code');
    if (at >= 0) takers.set(node.name.text, at);
  });
  const found = new Set<string>();
  each(source, (node) => {
    for (const place of placesOf(node, takers))
      for (const code of literals(place, constants)) found.add(code);
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
function literals(place: Expression | undefined, constants: ReadonlyMap<string, string>): string[] {
  if (place === undefined) return [];
  // Issues of zod have a code of zod's own.
  const word = (text: string) => (/^[a-z]+(-[a-z]+)*$/.test(text) && text !== 'custom' ? [text] : []);
  if (isStringLiteral(place)) return word(place.text);
  if (isIdentifier(place)) return word(constants.get(place.text) ?? '');
  if (isBinaryExpression(place)) return literals(place.right, constants);
  if (isConditionalExpression(place))
    return [place.whenTrue, place.whenFalse].flatMap((side) => literals(side, constants));
  if (isParenthesizedExpression(place)) return literals(place.expression, constants);
  return [];
}

function each(node: Node, look: (node: Node) => void): void {
  look(node);
  node.forEachChild((child) => {
    each(child, look);
    return undefined;
  });
}
