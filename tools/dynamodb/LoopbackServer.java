import com.almworks.sqlite4java.SQLiteConnection;
import com.almworks.sqlite4java.SQLiteException;
import com.almworks.sqlite4java.SQLiteJob;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler;
import com.amazonaws.services.dynamodbv2.local.shared.access.AmazonDynamoDBLocal;
import com.amazonaws.services.dynamodbv2.local.shared.access.LocalDBClient;
import com.amazonaws.services.dynamodbv2.local.shared.access.TableInfo;
import com.amazonaws.services.dynamodbv2.local.shared.access.sqlite.SQLiteDBAccess;
import com.amazonaws.services.dynamodbv2.local.shared.jobs.JobsRegister;
import com.amazonaws.services.dynamodbv2.model.AttributeDefinition;
import com.amazonaws.services.dynamodbv2.model.BillingMode;
import com.amazonaws.services.dynamodbv2.model.GlobalSecondaryIndexDescription;
import com.amazonaws.services.dynamodbv2.model.OnDemandThroughput;
import com.amazonaws.services.dynamodbv2.model.ProvisionedThroughput;
import com.amazonaws.services.dynamodbv2.model.StreamSpecification;
import java.io.File;
import java.io.RandomAccessFile;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * DynamoDB Local as we need it: {@code LoopbackServer PORT [DATABASE FILE]}, in memory without a file. Its own launcher
 * listens on every interface of the machine, and syncs its file to disk three times for every write.
 */
public class LoopbackServer {
  /** The name that DynamoDB Local gives to the database that all regions and credentials share. */
  private static final String SHARED = "shared-local-instance";

  public static void main(String[] args) {
    try {
      serve(args);
    } catch (Throwable problem) {
      // Threads that are already there would keep a server alive that never answers.
      problem.printStackTrace();
      System.exit(1);
    }
  }

  private static void serve(String[] args) throws Exception {
    // SQLite's queue would try again for ever.
    if (args.length > 1) new RandomAccessFile(args[1], "rw").close();
    var database = args.length > 1 ? new UnsyncedDatabase(new File(args[1])) : new QuickDatabase(null);
    var requests = requestHandler(args.length == 1);
    var jobs = new JobsRegister(Executors.newFixedThreadPool(10), false);
    databases(requests).put(SHARED, new LocalDBClient(database, jobs));
    var server = new DynamoDBProxyServer(Integer.parseInt(args[0]), new LocalDynamoDBServerHandler(requests, null));
    for (var connector : ((Server) field(server, "server")).getConnectors())
      ((ServerConnector) connector).setHost("127.0.0.1");
    server.start();
    server.join();
  }

  /** With test control: a put to the table [TEST_CONTROL] closes the streams' shards, or makes time pass. */
  private static LocalDynamoDBRequestHandler requestHandler(boolean inMemory) throws Exception {
    var flag = boolean.class;
    var constructor = LocalDynamoDBRequestHandler.class.getDeclaredConstructor(
        int.class, flag, String.class, flag, flag, flag);
    constructor.setAccessible(true);
    return constructor.newInstance(0, inMemory, null, true, false, true);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, AmazonDynamoDBLocal> databases(LocalDynamoDBRequestHandler requests) throws Exception {
    return (Map<String, AmazonDynamoDBLocal>) field(requests, "dbRequestHandlers");
  }

  private static Object field(Object of, String name) throws Exception {
    var field = of.getClass().getDeclaredField(name);
    field.setAccessible(true);
    return field.get(of);
  }

  /**
   * A database that finds a stream's records by an index, and remembers what a table is. Without the index, every request
   * to a table with a stream looks through the records of all other streams for its oldest.
   */
  private static class QuickDatabase extends SQLiteDBAccess {
    /** Nanoseconds for which a table's description holds. */
    private static final long FRESH = 100_000_000;

    private record Known(TableInfo info, long since) {}

    private final Map<String, Known> tables = new ConcurrentHashMap<>();

    /** In memory without a file. */
    QuickDatabase(File file) {
      super(file);
      run("CREATE INDEX IF NOT EXISTS records_by_stream ON us (StreamID, SequenceNumber)");
      // Records are read on from a sequence number: told that a stream has nearly all of them, SQLite does so by number.
      run("ANALYZE sqlite_master");
      run("DELETE FROM sqlite_stat1 WHERE tbl = 'us'");
      run("INSERT INTO sqlite_stat1 VALUES ('us', 'records_by_stream', '1000000 900000 1')");
      run("ANALYZE sqlite_master");
    }

    /**
     * What is asked again for each item of each request, and is two statements and a parse each time. It is asked anew
     * after a moment, whoever changed it.
     */
    @Override
    public TableInfo getTableInfo(String table) {
      var now = System.nanoTime();
      var known = tables.get(table);
      if (known != null && now - known.since < FRESH) return known.info;
      var info = super.getTableInfo(table);
      if (info != null) tables.put(table, new Known(info, now));
      return info;
    }

    @Override
    public void updateTable(
        String table,
        ProvisionedThroughput throughput,
        OnDemandThroughput onDemand,
        BillingMode billing,
        long time,
        List<AttributeDefinition> attributes,
        List<GlobalSecondaryIndexDescription> indexes,
        Boolean isProtected,
        StreamSpecification stream) {
      try {
        super.updateTable(table, throughput, onDemand, billing, time, attributes, indexes, isProtected, stream);
      } finally {
        tables.remove(table);
      }
    }

    @Override
    public void updateTable(String table, String timeToLive) {
      try {
        super.updateTable(table, timeToLive);
      } finally {
        tables.remove(table);
      }
    }

    @Override
    public void deleteTable(String table) {
      try {
        super.deleteTable(table);
      } finally {
        tables.remove(table);
      }
    }

    void run(String statement) {
      queue.execute(new SQLiteJob<Void>() {
        @Override
        protected Void job(SQLiteConnection connection) throws SQLiteException {
          connection.exec(statement);
          return null;
        }
      }).complete();
    }
  }

  /**
   * A database that leaves it to the operating system when what was written reaches the disk. The end of this process,
   * even by SIGKILL, loses nothing; a power cut may.
   */
  private static class UnsyncedDatabase extends QuickDatabase {
    UnsyncedDatabase(File file) {
      super(file);
      run("PRAGMA synchronous = OFF");
      run("PRAGMA journal_mode = TRUNCATE");
    }
  }
}
