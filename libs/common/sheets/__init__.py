"""Files of people as they are sent: CSV in its many writings, and spreadsheets.

    bytes -> csv_records (decoding)  -+
                                      +-> records -> reading (columns, numbers) -> blocks: columns of good rows, bad rows, repairs
    file -> workbook (a child)       -+

The one way in for the gateway's imports and the command line's. Nothing is held but the rows under way. Everything but workbook is without I/O.
"""
