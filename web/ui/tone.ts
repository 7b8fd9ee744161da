export type Tone = 'idle' | 'running' | 'good' | 'warning' | 'bad';

const TONES: Readonly<Record<string, Tone>> = {
  queued: 'running',
  planning: 'running',
  extracting: 'running',
  publishing: 'running',
  running: 'running',
  creating: 'running',
  verifying: 'running',
  canary: 'running',
  succeeded: 'good',
  passed: 'good',
  live: 'good',
  reused: 'good',
  approved: 'good',
  partial: 'warning',
  rejected: 'warning',
  'rolled-back': 'warning',
  failed: 'bad',
};

/** The tone of any status of the product. */
export function toneOf(status: string): Tone {
  return TONES[status] ?? 'idle';
}
