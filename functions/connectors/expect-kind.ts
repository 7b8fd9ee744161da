import type { ColumnBuilder } from '#columnar/table-writer';

/** `builder` as the kind that values of `plan` go into; RangeError where the writer was made for other columns. */
export function expectKind<K extends ColumnBuilder['kind']>(
  plan: { readonly column: { readonly name: string }; readonly form: string },
  builder: ColumnBuilder,
  kind: K,
): Extract<ColumnBuilder, { kind: K }> {
  if (builder.kind !== kind)
    throw new RangeError(
      `column ${plan.column.name} of form ${plan.form} given a builder of ${builder.kind}`,
    );
  return builder as Extract<ColumnBuilder, { kind: K }>; // just compared; TypeScript cannot narrow by a generic
}
