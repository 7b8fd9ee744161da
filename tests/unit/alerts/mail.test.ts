import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { openMailer } from '../../../functions/alerts/mail.ts';

test('without TLS a mail server off this machine is told nothing, least of all the password', async () => {
  const said: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.write('220 mail\r\n');
    socket
      .on('error', () => undefined)
      .on('data', (data) => {
        const [verb = ''] = data.toString().trim().split(' ');
        said.push(verb);
        // Somebody on the way has taken STARTTLS out of what the server can do.
        socket.write(verb === 'EHLO' ? '250-mail\r\n250 AUTH PLAIN\r\n' : '502 unknown\r\n');
      });
  });
  // Of this machine, too, but not by its own name.
  server.listen(0, '127.0.0.2');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const mailer = openMailer({ url: `smtp://me:hunter2@127.0.0.2:${port}`, from: 'a@tw.example' });
  const mail = { to: 'you@example.com', subject: 'x', text: 'y', id: 'd1' };
  await expect(mailer?.send(mail)).rejects.toMatchObject({ code: 'mail-unavailable' });
  expect(said.filter((verb) => verb !== 'QUIT')).toEqual(['EHLO', 'STARTTLS']);
  for (const socket of sockets) socket.destroy();
  server.close();
});

test('a mail that the server does not take is not sent again; one that it may take later is', async () => {
  let status = 422;
  const server = createHttpServer(
    (_, response) => void response.writeHead(status).end('for ann@example.com'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const mailer = openMailer({ url: `http://:token@127.0.0.1:${port}/send`, from: 'a@tw.example' });
  const send = () => mailer?.send({ to: 'ann@example.com', subject: 'x', text: 'y', id: 'd1' });
  await expect(send()).rejects.toMatchObject({
    code: 'mail-refused',
    name: 'TerminalError',
    message: 'The mail server answers 422: it does not take this message.',
  });
  status = 503;
  await expect(send()).rejects.toMatchObject({ code: 'mail-unavailable', name: 'TransientError' });
  server.close();
});
