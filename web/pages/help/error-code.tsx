import { useRoute } from 'preact-iso';
import { ERROR_AREAS, explainCode } from '#core/error-codes';
import { to } from '../../paths.ts';
import { Panel } from '../../ui/panel.tsx';
import { useTitle } from '../../ui/use-title.ts';

/** What an error code means and what to do, or all of them by area. */
export default function ErrorCode() {
  const { code = '' } = useRoute().params;
  const known = explainCode(code);
  useTitle('Error codes', code);
  return (
    <>
      <div class="page-head">
        <div>
          {code !== '' && (
            <p class="crumbs">
              <a href={to.help()}>All error codes</a>
            </p>
          )}
          <h1>{code === '' ? 'Error codes' : <code>{code}</code>}</h1>
        </div>
      </div>
      {code === '' ? (
        ERROR_AREAS.map((area) => (
          <Panel key={area.title} title={area.title}>
            <dl class="codes">
              {Object.entries(area.codes).map(([each, [meaning]]) => (
                <div key={each}>
                  <dt>
                    <a href={to.help(each)}>
                      <code>{each}</code>
                    </a>
                  </dt>
                  <dd>{meaning}</dd>
                </div>
              ))}
            </dl>
          </Panel>
        ))
      ) : known === null ? (
        <Panel title="No such code">
          <p>Tradewind has no error of this code. A newer version may have had it, or an older one.</p>
        </Panel>
      ) : (
        <>
          <Panel title="What it means">
            <p>{known.meaning}</p>
          </Panel>
          <Panel title="What to do">
            <p>{known.remedy}</p>
            <p class="quiet">
              The message itself names the table, host or value, and often a closer remedy. Quote its request
              id to support.
            </p>
          </Panel>
        </>
      )}
    </>
  );
}
