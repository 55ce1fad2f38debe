/** GraphiQL's side pane in which one chooses the departments whose schema the page reads. */
import { Button, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useState } from 'react';
import { choose, isLarge, MOST_CHOSEN, seen, useDepartments, type Department } from './departments';
import { useLanguage } from './language';
import { useTexts } from './texts';

function matches(department: Department, search: string): boolean {
  const wanted = search.trim().toLowerCase();
  return [department.name, department.nameEn, department.field].some((text) => text.toLowerCase().includes(wanted));
}

interface RowProps {
  readonly department: Department;
  readonly checked: boolean;
  readonly disabled: boolean;
  readonly onChange: () => void;
}

function Row({ department, checked, disabled, onChange }: RowProps) {
  const language = useLanguage();
  return (
    <li>
      <label data-department={department.field}>
        <input type="checkbox" checked={checked} disabled={disabled} onChange={onChange} />
        <span>{language === 'en' && department.nameEn ? department.nameEn : department.name}</span> <code>{department.field}</code>
      </label>
    </li>
  );
}

export function DepartmentPicker() {
  const texts = useTexts();
  const choice = useDepartments();
  const { introspect } = useGraphiQLActions();
  const isFetching = useGraphiQL((state) => state.isIntrospecting);
  const [search, setSearch] = useState('');
  const applied = seen(choice);
  const [draft, setDraft] = useState<readonly string[] | null>(null);
  const chosen = draft ?? applied;
  const toggle = (field: string): void => setDraft(chosen.includes(field) ? chosen.filter((each) => each !== field) : [...chosen, field]);
  const apply = (): void => {
    choose(chosen);
    setDraft(null);
    void introspect();
  };
  if (!isLarge(choice)) return <p className="huitong-helper">{texts.allDepartments(choice.departments.length)}</p>;
  const shown = choice.departments.filter((department) => matches(department, search));
  const listed = [...shown.filter(({ field }) => chosen.includes(field)), ...shown.filter(({ field }) => !chosen.includes(field))];
  return (
    <section className="huitong-helper huitong-picker" aria-label={texts.departments}>
      <h3>{texts.departments}</h3>
      <p>{texts.departmentsIntro(choice.departments.length)}</p>
      <input type="search" value={search} placeholder={texts.searchDepartments} onChange={(event) => setSearch(event.target.value)} />
      <div className="huitong-card-action">
        <Button type="button" disabled={draft === null || isFetching} onClick={apply}>
          {texts.readDepartments}
        </Button>
        <span role="status">{texts.chosenDepartments(chosen.length, MOST_CHOSEN)}</span>
      </div>
      <ul>
        {listed.map((department) => (
          <Row
            key={department.field}
            department={department}
            checked={chosen.includes(department.field)}
            disabled={chosen.length >= MOST_CHOSEN && !chosen.includes(department.field)}
            onChange={() => toggle(department.field)}
          />
        ))}
      </ul>
    </section>
  );
}

function BuildingIcon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M5 20V4h9v16M14 10h5v10M3 20h18M8 8h3M8 12h3M8 16h3" strokeLinecap="round" />
    </svg>
  );
}

/** Its title is also GraphiQL's label of the button; a constant, as GraphiQL remembers the open pane by it. */
export const DEPARTMENTS = { title: '部门 Departments', icon: BuildingIcon, content: DepartmentPicker };

/** Says that departments have to be chosen, while none is. */
export function DepartmentsHint() {
  const texts = useTexts();
  const choice = useDepartments();
  const isOpen = useGraphiQL((state) => state.visiblePlugin?.title === DEPARTMENTS.title);
  const { setVisiblePlugin } = useGraphiQLActions();
  if (!isLarge(choice) || seen(choice).length > 0 || isOpen) return null;
  return (
    <div className="huitong-hint" role="status">
      {texts.departmentsIntro(choice.departments.length)} <button onClick={() => setVisiblePlugin(DEPARTMENTS.title)}>{texts.openDepartments}</button>
    </div>
  );
}
