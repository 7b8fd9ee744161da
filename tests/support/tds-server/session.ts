/** One connection of a client: what it has said so far, and what it is answered. */
import type { Socket } from 'node:net';
import { metadata, row, type WireColumn } from './columns.ts';
import { ENCRYPTION, encryptionWish, type Login, preloginAnswer, readLogin } from './login.ts';
import { type Message, MessageReader, MessageWriter, PACKET } from './packets.ts';
import { readRequest, type TdsRequest } from './requests.ts';
import * as tokens from './tokens.ts';
import { type Certificate, wrapTls, type WrappedTls } from './wrapped-tls.ts';

/** A part of an answer, in the order it is sent. */
export type AnswerPart =
  | { readonly columns: readonly WireColumn[] }
  | { readonly row: readonly unknown[] }
  | { readonly error: tokens.ServerError }
  | { readonly info: tokens.ServerError }
  | { readonly transaction: 'begun' | 'committed' | 'rolledBack' }
  /** Any bytes, right or wrong. */
  | { readonly raw: Buffer }
  /** What was said so far goes out now, and not when a packet is full. */
  | { readonly flush: true }
  /** The connection breaks here. */
  | { readonly hangUp: true };
export type Answer = Iterable<AnswerPart> | AsyncIterable<AnswerPart>;

export interface SessionOptions {
  /** What is said to who signs in; null: welcome. */
  readonly signIn: (login: Login) => tokens.ServerError | null;
  readonly answer: (request: TdsRequest, session: Session) => Answer;
  /** Without one the server offers no TLS. */
  readonly certificate?: Certificate;
  /** Only encrypted sessions. */
  readonly tlsRequired?: boolean;
  /** Sent after the sign-in, before its end. */
  readonly greeting?: () => Buffer;
  /** Bytes that go out together; packets are cut there. */
  readonly pieces?: number;
  /** Bytes of a packet, whatever the client would like; tokens are cut there. */
  readonly packetSize?: number;
  /** A cancel is heard and not answered. */
  readonly deafToCancel?: boolean;
}

const FIRST_PACKET = 4096;
const LARGEST_PACKET = 32_767;

export class Session {
  login: Login | null = null;
  /** What was asked, in order. */
  readonly asked: TdsRequest[] = [];
  cancels = 0;
  encrypted = false;
  private readonly socket: Socket;
  private readonly options: SessionOptions;
  private readonly reader = new MessageReader();
  private tls: WrappedTls | null = null;
  private packetSize = FIRST_PACKET;
  private answering = false;
  private cancelled: (() => void) | null = null;
  /** Whether what is written has to wait, and who does. */
  private full = false;
  private waiting: (() => void) | null = null;
  private readonly hasRoom = (): void => {
    this.full = false;
    this.waiting?.();
  };

  constructor(socket: Socket, options: SessionOptions) {
    this.socket = socket;
    this.options = options;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('drain', this.hasRoom);
    socket.on('close', this.hasRoom);
    socket.on('data', (bytes: Buffer) => {
      if (this.tls === null) this.receive(bytes);
      else this.tls.take(bytes);
    });
  }

  /** Ends the connection without a word. */
  break(): void {
    this.socket.destroy();
  }

  private receive(bytes: Buffer): void {
    for (const message of this.reader.push(bytes)) this.heard(message);
  }

  private heard(message: Message): void {
    switch (message.type) {
      case PACKET.prelogin:
        return this.prelogin(message.body);
      case PACKET.login:
        return this.signIn(readLogin(message.body));
      case PACKET.attention:
        return this.cancel();
      default:
        void this.respond(readRequest(message));
    }
  }

  private prelogin(body: Buffer): void {
    const { certificate, tlsRequired = false } = this.options;
    const wish = encryptionWish(body);
    const wanted = wish === ENCRYPTION.on || wish === ENCRYPTION.required;
    const begins = certificate !== undefined && wanted;
    const said = begins ? ENCRYPTION.on : tlsRequired ? ENCRYPTION.required : ENCRYPTION.notSupported;
    this.message((writer) => writer.write(preloginAnswer(said)));
    if (!begins) return;
    this.encrypted = true;
    this.tls = wrapTls(
      certificate,
      (bytes) => this.toNetwork(bytes),
      (bytes) => this.receive(bytes),
      this.hasRoom,
    );
  }

  private signIn(login: Login): void {
    const refusal = this.options.signIn(login);
    if (refusal !== null) {
      this.message((writer) => {
        writer.write(tokens.message('error', refusal));
        writer.write(tokens.done('batch', tokens.DONE.error));
      });
      this.socket.end();
      return;
    }
    this.login = login;
    const size = this.options.packetSize ?? Math.min(login.packetSize, LARGEST_PACKET);
    this.message((writer) => {
      writer.write(tokens.environment('database', login.database, 'master'));
      writer.write(tokens.message('info', { number: 5701, message: 'Changed database context.' }));
      writer.write(tokens.collation());
      writer.write(tokens.environment('language', 'us_english', ''));
      writer.write(tokens.loginAck());
      writer.write(tokens.environment('packetSize', String(size), String(FIRST_PACKET)));
      if (this.options.greeting !== undefined) writer.write(this.options.greeting());
      writer.write(tokens.done('batch', 0));
    });
    this.packetSize = size;
  }

  private cancel(): void {
    this.cancels++;
    if (this.options.deafToCancel === true) return;
    if (this.answering) this.cancelled?.();
    else this.acknowledgeCancel();
  }

  private acknowledgeCancel(): void {
    this.message((writer) => writer.write(tokens.done('batch', tokens.DONE.attention)));
  }

  private async respond(request: TdsRequest): Promise<void> {
    this.asked.push(request);
    this.answering = true;
    const cancelled = new Promise<'cancelled'>((resolve) => {
      this.cancelled = () => resolve('cancelled');
    });
    const writer = this.writer();
    const end = await this.stream(request, writer, cancelled);
    this.answering = false;
    if (this.socket.destroyed) return;
    writer.end();
    // What was being answered ends, and the cancel has an answer of its own.
    if (end === 'cancelled') this.acknowledgeCancel();
  }

  private async stream(
    request: TdsRequest,
    writer: MessageWriter,
    cancelled: Promise<'cancelled'>,
  ): Promise<'cancelled' | 'done'> {
    const of = request.kind === 'batch' ? 'batch' : 'inProcedure';
    let columns: readonly WireColumn[] | null = null;
    let rows = 0;
    let failed = 0;
    const answer = this.options.answer(request, this);
    const parts = Symbol.asyncIterator in answer ? answer[Symbol.asyncIterator]() : answer[Symbol.iterator]();
    for (;;) {
      const next = await Promise.race([cancelled, parts.next()]);
      if (next === 'cancelled' || this.socket.destroyed) {
        writer.write(tokens.done('batch', tokens.DONE.error));
        return 'cancelled';
      }
      if (next.done === true) break;
      const part = next.value;
      if ('columns' in part) {
        if (columns !== null) writer.write(tokens.done(of, tokens.DONE.more | tokens.DONE.count, rows));
        columns = part.columns;
        rows = 0;
        writer.write(metadata(columns));
      } else if ('row' in part) {
        writer.write(row(columns ?? [], part.row));
        rows++;
      } else if ('error' in part) {
        failed = tokens.DONE.error;
        writer.write(tokens.message('error', part.error));
      } else if ('info' in part) writer.write(tokens.message('info', part.info));
      else if ('transaction' in part) writer.write(tokens.transaction(part.transaction, 7n));
      else if ('raw' in part) writer.write(part.raw);
      else if ('flush' in part) writer.flush();
      else {
        this.break();
        return 'done';
      }
      if (this.full) await Promise.race([this.room(), cancelled]);
    }
    if (request.kind === 'batch') writer.write(tokens.done('batch', failed | tokens.DONE.count, rows));
    else {
      writer.write(tokens.done('inProcedure', failed | tokens.DONE.more | tokens.DONE.count, rows));
      writer.write(tokens.returnStatus());
      writer.write(tokens.done('procedure', failed));
    }
    return 'done';
  }

  /** Resolves when the network has taken what was written, or is gone. */
  private room(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  private writer(): MessageWriter {
    return new MessageWriter(PACKET.answer, this.packetSize, (packet) => {
      if (this.tls === null) this.toNetwork(packet);
      else if (!this.tls.send(packet)) this.full = true;
    });
  }

  private message(fill: (writer: MessageWriter) => void): void {
    const writer = this.writer();
    fill(writer);
    writer.end();
  }

  private toNetwork(bytes: Buffer): void {
    if (this.socket.destroyed) return;
    const { pieces = bytes.length } = this.options;
    for (let at = 0; at < bytes.length; at += pieces)
      if (!this.socket.write(bytes.subarray(at, at + pieces)) && this.tls === null) this.full = true;
  }
}
