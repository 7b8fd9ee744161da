import { TransientError } from '#core/errors';

/** Where a file is to be sent, as `createUpload` answers. */
export interface UploadPlace {
  readonly url: string;
  readonly method: 'PUT';
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Sends `file` to `place`, telling the bytes sent so far (fetch cannot, hence XMLHttpRequest).
 * @throws TransientError `upload-failed` with the storage's status.
 */
export function sendFile(place: UploadPlace, file: File, progress: (sent: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = (why: string) =>
      reject(
        new TransientError('upload-failed', `“${file.name}” could not be uploaded: ${why}.`, {
          remedy: 'Check the connection and upload it again.',
        }),
      );
    request.open(place.method, place.url);
    for (const [name, value] of Object.entries(place.headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', (event) => progress(event.loaded));
    request.addEventListener('error', () => fail('the storage cannot be reached'));
    request.addEventListener('load', () =>
      request.status < 300 ? resolve() : fail(`the storage answered ${request.status}`),
    );
    request.send(file);
  });
}
