/** The departments that the caller sees, and those whose part of the schema the page reads: a city's whole schema is too large for a browser. */
import { useSyncExternalStore } from 'react';

export interface Department {
  /** Its root field. */
  readonly field: string;
  readonly name: string;
  readonly nameEn: string;
}

export interface Choice {
  readonly departments: readonly Department[];
  /** Root fields, in the order of choosing. */
  readonly chosen: readonly string[];
}

export const HEADER = 'Huitong-Departments';
/** With no more departments than these the page reads all. */
export const ALL = 20;
/** Their names must fit into a header. */
export const MOST_CHOSEN = 40;
export const LIST_QUERY = 'query Departments { __type(name: "Query") { fields { name description args { name } type { name } } } }';

const KEY = 'huitong:data:departments';
const listeners = new Set<() => void>();

function remembered(): readonly string[] {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
    return Array.isArray(found) ? found.filter((each) => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

let current: Choice = { departments: [], chosen: remembered() };

function set(choice: Choice): void {
  current = choice;
  for (const listener of listeners) listener();
}

export const setDepartments = (departments: readonly Department[]): void => set({ ...current, departments });

export function choose(chosen: readonly string[]): void {
  sessionStorage.setItem(KEY, JSON.stringify(chosen));
  set({ ...current, chosen });
}

/** Whether the caller sees so many departments that it has to choose. */
export const isLarge = (choice: Choice): boolean => choice.departments.length > ALL;

/** Those chosen that the caller sees. */
export const seen = ({ departments, chosen }: Choice): readonly string[] =>
  chosen.filter((field) => departments.some((department) => department.field === field));

/** What the introspection is to carry. */
export const departmentsHeader = (): Record<string, string> => (isLarge(current) ? { [HEADER]: seen(current).join(',') } : {});

interface Field {
  readonly name: string;
  readonly description: string | null;
  readonly args: readonly unknown[];
  readonly type: { readonly name: string | null };
}

const typeName = (field: string): string => field.slice(0, 1).toUpperCase() + field.slice(1);

/** A department's root field takes no argument and has the type of its name; its description is its name in Chinese, a blank line, in English. */
export function departmentsIn(data: unknown): readonly Department[] {
  const fields = (data as { __type?: { fields?: readonly Field[] } } | null)?.__type?.fields ?? [];
  return fields
    .filter(({ name, args, type }) => args.length === 0 && type.name === typeName(name))
    .map(({ name, description }) => {
      const [zh = name, en = ''] = (description ?? name).split('\n\n');
      return { field: name, name: zh, nameEn: en };
    });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useDepartments = (): Choice => useSyncExternalStore(subscribe, () => current);
