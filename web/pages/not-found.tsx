import { to } from '../paths.ts';
import { Empty } from '../ui/states.tsx';
import { useTitle } from '../ui/use-title.ts';

export default function NotFound() {
  useTitle('Not found');
  return (
    <>
      <h1 class="unseen">Not found</h1>
      <Empty title="There is no such page.">
        <p>The address may be mistyped, or what it named is gone.</p>
        <a class="button plain" href={to.home()}>
          Go to your models
        </a>
      </Empty>
    </>
  );
}
