/**
 * ONNX models as bytes: the few fields of onnx.proto3 (github.com/onnx/onnx) that a graph of plain operators needs, in
 * protobuf's wire format, so that neither Python nor a protobuf library is needed.
 */

/** Element types as ONNX numbers them. */
const ELEMENT = { float: 1, int64: 7, bool: 9 } as const;

/** A tensor that goes into or comes out of a graph; a dimension given by name may have any length. */
export interface TensorSpec {
  readonly name: string;
  readonly type: keyof typeof ELEMENT;
  readonly shape: readonly (number | string)[];
}

/** One operator. Attributes: whole numbers, lists of them, and `{ float }` for the others. */
export interface Operator {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;
}

/** Operator set 17, IR version 8: ONNX Runtime 1.13 and newer read it. */
const [OPERATOR_SET, IR_VERSION] = [17, 8];

/** The bytes of a model that computes `operators` in their order. */
export function onnxModel(
  operators: readonly Operator[],
  inputs: readonly TensorSpec[],
  outputs: readonly TensorSpec[],
): Uint8Array {
  const graph = [
    ...operators.flatMap((operator) => message(1, operatorBytes(operator))),
    ...text(2, 'graph'),
    ...inputs.flatMap((tensor) => message(11, tensorBytes(tensor))),
    ...outputs.flatMap((tensor) => message(12, tensorBytes(tensor))),
  ];
  const operatorSet = [...text(1, ''), ...integer(2, OPERATOR_SET)];
  return Uint8Array.from([...integer(1, IR_VERSION), ...message(7, graph), ...message(8, operatorSet)]);
}

function operatorBytes({ op, inputs, outputs, attributes = {} }: Operator): number[] {
  return [
    ...inputs.flatMap((name) => text(1, name)),
    ...outputs.flatMap((name) => text(2, name)),
    ...text(4, op),
    ...Object.entries(attributes).flatMap(([name, value]) =>
      message(5, [...text(1, name), ...content(value)]),
    ),
  ];
}

/** An attribute's value with its type: 1 float, 2 int, 7 ints. */
function content(value: number | readonly number[] | { readonly float: number }): number[] {
  if (typeof value === 'number') return [...integer(3, value), ...integer(20, 2)];
  if ('float' in value) return [...float(2, value.float), ...integer(20, 1)];
  return [...value.flatMap((each) => integer(8, each)), ...integer(20, 7)];
}

function tensorBytes({ name, type, shape }: TensorSpec): number[] {
  const dimensions = shape.flatMap((size) =>
    message(1, typeof size === 'number' ? integer(1, size) : text(2, size)),
  );
  const tensor = [...integer(1, ELEMENT[type]), ...message(2, dimensions)];
  return [...text(1, name), ...message(2, message(1, tensor))];
}

/** Base 128, low digits first; negative numbers as 64 bits of two's complement. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const digit = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? digit | 128 : digit);
  } while (rest > 0n);
  return bytes;
}

const tag = (field: number, wire: number) => varint(field * 8 + wire);
const integer = (field: number, value: number) => [...tag(field, 0), ...varint(value)];
const message = (field: number, bytes: readonly number[]) => [
  ...tag(field, 2),
  ...varint(bytes.length),
  ...bytes,
];
const text = (field: number, value: string) => message(field, [...Buffer.from(value, 'utf8')]);

function float(field: number, value: number): number[] {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return [...tag(field, 5), ...bytes];
}
