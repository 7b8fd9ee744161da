import type { Deployment } from '#core/deployment';
import type { EtlCounts } from '#core/etl-run';
import type { MetricsReport, RankingMetrics, SlotMetrics } from '#core/metrics';
import type { PipelineRun } from '#core/pipeline-run';
import type { CustomerAnswer } from '#scripts/start/answers';
import type { StepTime } from '#scripts/start/progress';

/** What the main job found out. */
export interface Outcome {
  /** The tenant and model it was done in. */
  readonly at: { readonly tenant: string; readonly model: string };
  readonly etl: EtlCounts;
  readonly extraction: PipelineRun['extraction'];
  readonly metrics: MetricsReport | null;
  readonly answers: readonly CustomerAnswer[];
  /** Why the quality gate refused the model; empty where it did not. Then there are no answers and no deployment. */
  readonly rejected: readonly string[];
  readonly deployment: (Deployment & { readonly url: string }) | null;
}

type Figures = Pick<RankingMetrics, 'ndcg10' | 'recall10' | 'recall20' | 'coverage'>;
interface Compared {
  readonly model: Figures | null;
  readonly baselines: Readonly<Record<string, Figures>>;
}

/** Which setting answers a slot, what the baselines were set to, and why the model is a baseline where one fell back. */
type Chosen = Pick<SlotMetrics, 'algorithm' | 'options' | 'baselineOptions' | 'fellBack'>;

/** The report's JSON: `--help` and the README name its keys. */
export interface Report {
  readonly steps: readonly StepTime[];
  /** `rows`, `bytes`: loaded into the warehouse; `dropped`: order lines that cleaning left out, by reason. */
  readonly etl: {
    readonly rows: number;
    readonly bytes: number;
    readonly rejected: Readonly<Record<string, number>>;
    readonly dropped: Readonly<Record<string, number>>;
  };
  /** `model` and `baselines` are the discover slot's. */
  readonly metrics: Compared & { readonly slots: Readonly<Record<string, Compared & Chosen>> };
  /** Why the quality gate refused the model; empty where it is deployed. */
  readonly rejected: readonly string[];
  readonly recommendations: readonly {
    readonly customer: string;
    readonly customerName: string | null;
    readonly bought: CustomerAnswer['bought'];
    readonly items: readonly Offer[];
    readonly reorder: readonly Offer[];
  }[];
  readonly endpoint: string | null;
}

interface Offer {
  readonly id: string;
  readonly name: string | null;
  readonly score: number;
  readonly reason: string;
}

/** The report of a main job and the time of its steps. */
export function makeReport(steps: readonly StepTime[], outcome: Outcome): Report {
  const { etl, extraction, metrics, rejected, answers, deployment } = outcome;
  const slots = Object.fromEntries(
    Object.entries(metrics?.slots ?? {}).map(
      ([slot, { model, baselines, algorithm, options, baselineOptions, fellBack }]) => [
        slot,
        { ...compare(model, baselines), algorithm, options, baselineOptions, fellBack },
      ],
    ),
  );
  return {
    steps,
    etl: { rows: etl.rows, bytes: etl.bytes, rejected: etl.rejected, dropped: { ...extraction?.dropped } },
    metrics: {
      model: slots['discover']?.model ?? null,
      baselines: slots['discover']?.baselines ?? {},
      slots,
    },
    rejected,
    recommendations: answers.map(({ customer, bought, discover, reorder }) => ({
      customer: customer.id,
      customerName: customer.name,
      bought,
      items: discover.map(offer),
      reorder: reorder.map(offer),
    })),
    endpoint: deployment?.url ?? null,
  };
}

function compare(model: RankingMetrics, baselines: Readonly<Record<string, RankingMetrics>>): Compared {
  return {
    model: figures(model),
    baselines: Object.fromEntries(
      Object.entries(baselines).map(([name, measured]) => [name, figures(measured)]),
    ),
  };
}

function figures({ ndcg10, recall10, recall20, coverage }: RankingMetrics): Figures {
  return { ndcg10, recall10, recall20, coverage };
}

function offer({ id, name, score, reason }: CustomerAnswer['discover'][number]): Offer {
  return { id, name, score, reason };
}
