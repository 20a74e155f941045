import { randomSecret } from "../../config/secrets.ts";

/** What the manifests are filled in with. */
export interface KubernetesOptions {
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  /** Members. */
  readonly nodes: number;
  /** Of the volume of each member, as Kubernetes writes it. */
  readonly storage: string;
}

/** A cluster as a StatefulSet, ready for `kubectl apply -f -`. The secrets are fresh. */
export function kubernetesManifests(options: KubernetesOptions): string[] {
  const parts = [
    ...(options.namespace === "default" ? [] : [namespaceOf(options)]),
    configOf(options),
    secretOf(options),
    servicesOf(options),
    budgetOf(options),
    statefulSetOf(options),
  ];
  return parts.join("\n---\n").split("\n");
}

/** The configuration that members read: a list of variables, each member taking its id from its host's name. */
export function kubernetesConfig(
  { name, nodes }: Pick<KubernetesOptions, "name" | "nodes">,
): string {
  const members = Array.from({ length: nodes }, (_, at) => {
    const host = `${name}-${at}.${name}-headless`;
    return `${at + 1} ${host}:8100 ${host}:8200`;
  });
  return [
    "HQL_NODE_ID_FROM=k8s",
    "HQL_DATA_DIR=/app/data",
    'HQL_NODES="',
    ...members,
    '"',
  ].join("\n");
}

function namespaceOf({ namespace }: KubernetesOptions): string {
  return `apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}`;
}

function configOf(options: KubernetesOptions): string {
  const lines = kubernetesConfig(options).split("\n");
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${options.name}-config
  namespace: ${options.namespace}
data:
  config: |
${lines.map((line) => `    ${line}`).join("\n")}`;
}

function secretOf({ name, namespace }: KubernetesOptions): string {
  return `apiVersion: v1
kind: Secret
metadata:
  name: ${name}-secrets
  namespace: ${namespace}
type: Opaque
stringData:
  HQL_SECRET_RAFT: ${JSON.stringify(randomSecret())}
  HQL_SECRET_API: ${JSON.stringify(randomSecret())}`;
}

function servicesOf({ name, namespace }: KubernetesOptions): string {
  return `# For clients: members that are ready.
apiVersion: v1
kind: Service
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  selector:
    app: ${name}
  ports:
    - name: api
      port: 8200
      targetPort: api
---
# For the members: they must find one another before they are ready.
apiVersion: v1
kind: Service
metadata:
  name: ${name}-headless
  namespace: ${namespace}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    app: ${name}
  ports:
    - name: raft
      port: 8100
      targetPort: raft
    - name: api
      port: 8200
      targetPort: api`;
}

function budgetOf({ name, namespace }: KubernetesOptions): string {
  return `# A majority stays while nodes are drained.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      app: ${name}`;
}

function statefulSetOf(
  { name, namespace, image, nodes, storage }: KubernetesOptions,
): string {
  return `apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: ${name}
  namespace: ${namespace}
  labels:
    app: ${name}
spec:
  replicas: ${nodes}
  serviceName: ${name}-headless
  podManagementPolicy: Parallel
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
      annotations:
        prometheus.io/port: "8200"
        prometheus.io/path: /metrics
    spec:
      terminationGracePeriodSeconds: 30
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        fsGroup: 65532
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchLabels:
                    app: ${name}
      containers:
        - name: hiqlite
          image: ${image}
          args: ["serve"]
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: ["ALL"]
          ports:
            - name: raft
              containerPort: 8100
            - name: api
              containerPort: 8200
          envFrom:
            - secretRef:
                name: ${name}-secrets
          volumeMounts:
            - mountPath: /app/config
              name: config
              readOnly: true
            - mountPath: /app/data
              name: data
          startupProbe:
            httpGet:
              port: api
              path: /health
            periodSeconds: 2
            failureThreshold: 150
          livenessProbe:
            httpGet:
              port: api
              path: /health
            periodSeconds: 30
            timeoutSeconds: 5
          readinessProbe:
            httpGet:
              port: api
              path: /ready
            periodSeconds: 3
            timeoutSeconds: 2
          resources:
            requests:
              memory: 256Mi
              cpu: 100m
      volumes:
        - name: config
          configMap:
            name: ${name}-config
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: ["ReadWriteOnce"]
        resources:
          requests:
            storage: ${storage}`;
}
