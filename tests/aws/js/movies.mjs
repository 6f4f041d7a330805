// The scenario of the SDK's own examples, with AWS SDK for JavaScript v3: prints what it saw as JSON.
import {
  CreateClusterCommand,
  DeleteClusterCommand,
  DescribeClustersCommand,
  ModifyClusterCommand,
  RedshiftClient,
  paginateDescribeClusters,
  waitUntilClusterAvailable,
} from "@aws-sdk/client-redshift";
import {
  DescribeStatementCommand,
  ExecuteStatementCommand,
  GetStatementResultCommand,
  RedshiftDataClient,
  paginateListDatabases,
} from "@aws-sdk/client-redshift-data";
import {
  ListWorkgroupsCommand,
  RedshiftServerlessClient,
} from "@aws-sdk/client-redshift-serverless";

const name = process.argv[2];
const redshift = new RedshiftClient({});
const data = new RedshiftDataClient({});
const where = { ClusterIdentifier: name, Database: "dev", DbUser: "awsuser" };
const saw = {};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const run = async (Sql, values) => {
  const Parameters = values && Object.entries(values).map(([key, value]) => ({ name: key, value: String(value) }));
  return (await data.send(new ExecuteStatementCommand({ ...where, Sql, Parameters }))).Id;
};

const finished = async (Id) => {
  for (let i = 0; i < 600; i++) {
    const state = await data.send(new DescribeStatementCommand({ Id }));
    if (["FINISHED", "FAILED", "ABORTED"].includes(state.Status)) return state;
    await pause(100);
  }
  throw new Error("the statement does not end");
};

const { Cluster } = await redshift.send(
  new CreateClusterCommand({
    ClusterIdentifier: name,
    NodeType: "ra3.4xlarge",
    NumberOfNodes: 2,
    MasterUsername: "awsuser",
    MasterUserPassword: "AwsUser1000",
  }),
);
saw.created = Cluster.ClusterStatus;
await waitUntilClusterAvailable({ client: redshift, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { ClusterIdentifier: name });
saw.listed = [];
for await (const page of paginateDescribeClusters({ client: redshift }, {})) {
  saw.listed.push(...page.Clusters.map((cluster) => cluster.ClusterIdentifier));
}
const [described] = (await redshift.send(new DescribeClustersCommand({ ClusterIdentifier: name }))).Clusters;
saw.port = described.Endpoint.Port;
saw.createTime = described.ClusterCreateTime instanceof Date;
saw.databases = [];
for await (const page of paginateListDatabases({ client: data }, where)) saw.databases.push(...page.Databases);

await run("CREATE TABLE Movies (id INT PRIMARY KEY, title VARCHAR(100), year INT)");
for (let i = 0; i < 200; i++) {
  await run("INSERT INTO Movies VALUES( :id , :title, :year)", { id: i, title: `Film ${i}`, year: i < 60 ? 2013 : 2014 });
}
const asked = await run(" SELECT * FROM Movies WHERE year = :year", { year: 2013 });
const state = await finished(asked);
saw.status = state.Status;
saw.error = state.Error;
saw.updated = state.UpdatedAt instanceof Date;
saw.records = [];
for (let NextToken; ; ) {
  const page = await data.send(new GetStatementResultCommand({ Id: asked, NextToken }));
  saw.columns ??= page.ColumnMetadata.map((column) => column.name);
  saw.records.push(...page.Records.map((record) => [record[0].longValue, record[1].stringValue, record[2].longValue]));
  NextToken = page.NextToken;
  if (!NextToken) break;
}
const changed = await redshift.send(
  new ModifyClusterCommand({ ClusterIdentifier: name, PreferredMaintenanceWindow: "wed:07:30-wed:08:00" }),
);
saw.window = changed.Cluster.PreferredMaintenanceWindow;
try {
  await redshift.send(new DescribeClustersCommand({ ClusterIdentifier: `${name}-not` }));
} catch (error) {
  saw.missing = { name: error.name, status: error.$metadata.httpStatusCode };
}
const serverless = new RedshiftServerlessClient({});
saw.workgroups = (await serverless.send(new ListWorkgroupsCommand({}))).workgroups.map((w) => w.workgroupName);
const gone = await redshift.send(new DeleteClusterCommand({ ClusterIdentifier: name, SkipFinalClusterSnapshot: true }));
saw.deleted = gone.Cluster.ClusterStatus;
console.log(JSON.stringify(saw));
