/**
 * Thrown where the bytes of a file are not what the format says. Names no file: whoever knows it makes a TerminalError of
 * it (`inFile`).
 */
import { TerminalError } from '#core/errors';

export class FormatError extends Error {
  /** `file-broken`, or what the file needs that is not read here. */
  readonly code: 'file-broken' | 'parquet-unsupported' | 'page-too-big';
  readonly remedy: string;
  constructor(
    message: string,
    code: FormatError['code'] = 'file-broken',
    remedy = 'Write the file again and check that it is uploaded whole.',
  ) {
    super(message);
    this.code = code;
    this.remedy = remedy;
  }
}

/** Does `work`; what is wrong with the format becomes a TerminalError that names the file. */
export async function inFile<T>(uri: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const said = error.code === 'file-broken' ? 'is no whole Parquet file' : 'cannot be read';
    throw new TerminalError(error.code, `${uri} ${said}: ${error.message}.`, {
      remedy: error.remedy,
      cause: error,
    });
  }
}
