/** Keeps of all that is offered the few of smallest value. */
export interface Smallest {
  /** `value` is no NaN. */
  offer(id: number, value: number): void;
  /** The ids kept, smallest value first, of equals the smaller id; then it is empty again. */
  take(): number[];
}

/** Room for `most` ids, as a heap with the largest on top: an offer that is refused costs one comparison. */
export function makeSmallest(most: number): Smallest {
  const ids = new Int32Array(most);
  const values = new Float64Array(most);
  let count = 0;
  /** Does place a hold what is to go before what place b holds? */
  const isLarger = (a: number, b: number) => {
    const [one, other] = [values[a]!, values[b]!];
    return one > other || (one === other && ids[a]! > ids[b]!);
  };
  const swap = (a: number, b: number) => {
    [ids[a], ids[b]] = [ids[b]!, ids[a]!];
    [values[a], values[b]] = [values[b]!, values[a]!];
  };
  const sink = (end: number) => {
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let largest = at;
      if (left < end && isLarger(left, largest)) largest = left;
      if (right < end && isLarger(right, largest)) largest = right;
      if (largest === at) return;
      swap(at, largest);
      at = largest;
    }
  };
  return {
    offer: (id, value) => {
      if (count < most) {
        [ids[count], values[count]] = [id, value];
        for (let at = count++; at > 0 && isLarger(at, (at - 1) >> 1); at = (at - 1) >> 1)
          swap(at, (at - 1) >> 1);
        return;
      }
      if (most === 0 || value > values[0]! || (value === values[0] && id > ids[0]!)) return;
      [ids[0], values[0]] = [id, value];
      sink(count);
    },
    take: () => {
      // A heap's own sort: the largest goes to the end, time after time.
      for (let end = count - 1; end > 0; end--) {
        swap(0, end);
        sink(end);
      }
      const sorted = [...ids.subarray(0, count)];
      count = 0;
      return sorted;
    },
  };
}
