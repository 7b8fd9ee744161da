import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import type { z } from 'zod';
import { getHistory, listCustomers, type Recommendation, recommend, similar } from '#core/api/recommend';
import { recommenderAt } from '../../api.ts';
import { valueOf } from '../../live.ts';
import { to } from '../../paths.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { count, counted } from '../../ui/format.ts';
import { Ago } from '../../ui/moment.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Empty, Shown } from '../../ui/states.tsx';
import { useAnswer } from '../../use-work.ts';
import type { ModelState } from './facts.ts';

/** Asks the live service for a customer, a basket or an item, and shows what it answers and why. */
export function TryIt({ state }: { readonly state: ModelState }) {
  const url = valueOf(state.deployments, []).find((each) => each.status === 'live')?.url ?? null;
  return (
    <Shown of={state.deployments}>
      {() =>
        url === null ? (
          <Empty title="Nothing answers yet">
            <p>Deploy a version, then ask it here.</p>
            <a class="button plain" href={to.model(state.tenant, state.id, 'deployment')}>
              Go to the deployment
            </a>
          </Empty>
        ) : (
          <Console url={url} />
        )
      }
    </Shown>
  );
}

function Console({ url }: { readonly url: string }) {
  const { query, path, route } = useLocation();
  const customer = query['customer'] ?? null;
  const [similarTo, setSimilarTo] = useState<Chosen | null>(null);
  const choose = (id: string) => route(`${path}?customer=${encodeURIComponent(id)}`, true);
  return (
    <>
      <Panel title="Customer" note="Whom should the model serve?">
        <Customers url={url} chosen={customer} choose={choose} />
      </Panel>
      {customer !== null && (
        <CustomerAnswers key={customer} url={url} customer={customer} more={setSimilarTo} />
      )}
      {similarTo !== null && (
        <Panel
          title={`Similar to ${similarTo.name ?? similarTo.id}`}
          aside={
            <Button kind="plain" small onClick={() => setSimilarTo(null)}>
              Close
            </Button>
          }
        >
          <SimilarItems url={url} item={similarTo.id} />
        </Panel>
      )}
      <Basket url={url} />
    </>
  );
}

interface CustomersProps {
  readonly url: string;
  readonly chosen: string | null;
  readonly choose: (id: string) => void;
}

function Customers({ url, chosen, choose }: CustomersProps) {
  const [typed, setTyped] = useState('');
  const [search, setSearch] = useState('');
  // One question per pause in typing.
  useEffect(() => {
    const timer = setTimeout(() => setSearch(typed.trim()), 250);
    return () => clearTimeout(timer);
  }, [typed]);
  const found = useAnswer(`${url} ${search}`, (signal) =>
    recommenderAt(url)(listCustomers, { body: { search, limit: 12 }, signal }),
  );
  return (
    <div class="stack">
      <Field label="Find by key or name" type="search" value={typed} onInput={setTyped} maxLength={100} />
      <Shown of={found} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="quiet">No customer has “{search}” in key or name.</p>
          ) : (
            <ul class="picks">
              {items.map((each) => (
                <li key={each.id}>
                  <button
                    type="button"
                    class="pick"
                    aria-pressed={each.id === chosen}
                    onClick={() => choose(each.id)}
                  >
                    <strong>{each.name ?? each.id}</strong>
                    <span class="quiet">
                      {each.name !== null && `${each.id} · `}
                      {counted(each.items, 'item')}
                    </span>
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </div>
  );
}

interface Chosen {
  readonly id: string;
  readonly name: string | null;
}
interface AnswersProps {
  readonly url: string;
  readonly customer: string;
  readonly more: (item: Chosen) => void;
}

function CustomerAnswers({ url, customer, more }: AnswersProps) {
  const ask = recommenderAt(url);
  const bought = useAnswer(`${url} ${customer}`, (signal) =>
    ask(getHistory, { body: { customer, limit: 10 }, signal }),
  );
  const slot = (name: 'reorder' | 'discover') =>
    useAnswer(`${url} ${name} ${customer}`, (signal) =>
      ask(recommend, { body: { customer, slot: name, limit: 10 }, signal }),
    );
  const reorder = slot('reorder');
  const discover = slot('discover');
  return (
    <div class="answers">
      <Panel title="Bought most" note="From the orders the model learned from">
        <Shown of={bought} lines={8}>
          {(history) => <Bought history={history} />}
        </Shown>
      </Panel>
      <Panel title="Re-order" note="What is likely due again">
        <Shown of={reorder} lines={8}>
          {(answer) => <Offered answer={answer} more={more} />}
        </Shown>
      </Panel>
      <Panel title="Discover" note="Never bought, but likely to fit">
        <Shown of={discover} lines={8}>
          {(answer) => <Offered answer={answer} more={more} />}
        </Shown>
      </Panel>
    </div>
  );
}

function Bought({ history }: { readonly history: z.infer<typeof getHistory.answer> }) {
  if (history.items.length === 0) return <p class="quiet">This customer bought nothing the model knows.</p>;
  return (
    <ol class="items">
      {history.items.map((item) => (
        <li key={item.id}>
          <p>
            <strong>{item.name ?? item.id}</strong> <code>{item.id}</code>
          </p>
          <p class="quiet">
            {counted(item.orders, 'order')}, {count(item.quantity)} in all, last <Ago at={item.lastBought} />
          </p>
        </li>
      ))}
    </ol>
  );
}

interface OfferedProps {
  readonly answer: Recommendation;
  readonly more?: (item: Chosen) => void;
}

function Offered({ answer, more }: OfferedProps) {
  if (answer.items.length === 0) return <p class="quiet">The model has nothing to offer here.</p>;
  return (
    <>
      {!answer.known && <p class="notice warning">Not known to the model: these are the popular items.</p>}
      <ol class="items">
        {answer.items.map((item) => (
          <li key={item.id}>
            <p>
              <strong>{item.name ?? item.id}</strong> <code>{item.id}</code>
            </p>
            <p class="quiet">{item.reason}</p>
            <p class="row quiet">
              score {item.score.toFixed(3)}
              {more !== undefined && (
                <button
                  class="button link"
                  type="button"
                  aria-label={`Similar to ${item.name ?? item.id}`}
                  onClick={() => more(item)}
                >
                  similar
                </button>
              )}
            </p>
          </li>
        ))}
      </ol>
    </>
  );
}

function SimilarItems({ url, item }: { readonly url: string; readonly item: string }) {
  const answer = useAnswer(`${url} ${item}`, (signal) =>
    recommenderAt(url)(similar, { body: { item, limit: 10 }, signal }),
  );
  return <Shown of={answer}>{(found) => <Offered answer={found} />}</Shown>;
}

function Basket({ url }: { readonly url: string }) {
  const [typed, setTyped] = useState('');
  const [asked, setAsked] = useState('');
  const basket = asked.split(/[\s,;]+/).filter((key) => key !== '');
  const answer = useAnswer(basket.length === 0 ? null : `${url} ${asked}`, (signal) =>
    recommenderAt(url)(recommend, { body: { basket, slot: 'discover', limit: 10 }, signal }),
  );
  return (
    <Panel title="Basket" note="For somebody whose basket is all that is known.">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(typed);
        }}
      >
        <div class="row ends">
          <Field
            label="Item keys"
            value={typed}
            onInput={setTyped}
            required
            hint="As your database has them, separated by commas."
          />
          <Button type="submit" kind="plain">
            What goes with it?
          </Button>
        </div>
        {basket.length > 0 && <Shown of={answer}>{(found) => <Offered answer={found} />}</Shown>}
      </form>
    </Panel>
  );
}
